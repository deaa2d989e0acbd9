"""What every statistic here does with values first: nan and inf are results, and no mean has room for them."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def finite(values: Iterable[float]) -> Floats:
    """The finite ones of the values, in their order, float64 [n]."""
    return np.array([float(value) for value in values if math.isfinite(value)], dtype=np.float64)


def mean(values: Floats) -> float:
    """The mean of a sample, also of values whose sum no float holds; nan where there is none."""
    size = largest(values)
    return math.fsum(values / size) / len(values) * size if len(values) else math.nan


def sample_deviation(values: Floats) -> float:
    """The standard deviation of a sample (divided by n - 1), also of values whose squares no float holds; nan below two
    values."""
    size = largest(values)
    return float(np.std(values / size, ddof=1)) * size if len(values) > 1 else math.nan


def scaled(samples: Sequence[Floats]) -> list[Floats]:
    """Samples in a unit in which the largest value of all is ±1: squares then fit, and statistics without a unit stay
    what they are."""
    size = max(map(largest, samples), default=1.0)
    return [sample / size for sample in samples]


def largest(values: Floats) -> float:
    """The largest absolute value; 1 where there is none above 0."""
    return float(np.abs(values).max(initial=0.0)) or 1.0


def quantiles(values: Floats, percents: Sequence[float]) -> list[float]:
    """Quantiles by linear interpolation, also of values whose differences no float holds."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.percentile(values, percents)
    if not np.isfinite(found).all():
        size = largest(values)
        found = np.percentile(values / size, percents) * size
    return [float(one) for one in found]
