"""Values that a filter would leave out: which, by what bounds, and what a filter cannot do with so few."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.analysis.statistics.numbers import Floats, finite, mean, quantiles, sample_deviation

Rule = Literal["none", "iqr", "zscore"]

IQR_MULTIPLIER = 1.5
ZSCORE_THRESHOLD = 3.0
FEWEST_FOR_IQR = 4


@dataclass(frozen=True)
class Filtering:
    """What a rule does to one group of values.

    `kept` and `removed` are positions in what was given; nan and inf are in neither, for no bound means anything there.
    A value on a bound is kept. `low` and `high` are nan where the rule was not applied; `note` then says why, or what
    the rule could not have done.
    """

    rule: Rule
    kept: tuple[int, ...]
    removed: tuple[int, ...]
    low: float
    high: float
    note: str


def filtered(values: Sequence[float], rule: Rule, limit: float | None = None) -> Filtering:
    """Apply a rule to values.

    none: everything is kept. iqr: kept is what lies within `limit` (1.5) interquartile ranges of the quartiles (Tukey,
    1977; quartiles by linear interpolation), skipped below four values and where the range is 0. zscore: kept is what
    lies within `limit` (3.0) sample standard deviations of the mean.
    """
    places = [place for place, value in enumerate(values) if math.isfinite(value)]
    sample = finite(values)
    low, high, note = _bounds(sample, rule, limit)
    applied = not math.isnan(low)
    removed = tuple(place for place in places if applied and not low <= values[place] <= high)
    kept = tuple(place for place in places if place not in removed)
    return Filtering(rule, kept, removed, low, high, note)


def largest_zscore(n: int) -> float:
    """What |z| can reach at most in a sample of n, (n - 1) / √n (Shiffler, 1988); 0 below two values."""
    return (n - 1) / math.sqrt(n) if n > 1 else 0.0


def _bounds(sample: Floats, rule: Rule, limit: float | None) -> tuple[float, float, str]:
    if rule == "none":
        return math.nan, math.nan, ""
    if rule == "iqr":
        return _quartile_bounds(sample, IQR_MULTIPLIER if limit is None else limit)
    return _deviation_bounds(sample, ZSCORE_THRESHOLD if limit is None else limit)


def _quartile_bounds(sample: Floats, multiplier: float) -> tuple[float, float, str]:
    if len(sample) < FEWEST_FOR_IQR:
        return math.nan, math.nan, f"not filtered: quartiles need {FEWEST_FOR_IQR} values, here are {len(sample)}"
    first, third = quantiles(sample, [25, 75])
    if third == first:
        return math.nan, math.nan, "not filtered: the middle half of the values are equal"
    reach = multiplier * (third - first)
    return first - reach, third + reach, ""


def _deviation_bounds(sample: Floats, threshold: float) -> tuple[float, float, str]:
    if len(sample) < 2:
        return math.nan, math.nan, f"not filtered: a deviation needs 2 values, here are {len(sample)}"
    deviation = sample_deviation(sample)
    if deviation == 0:
        return math.nan, math.nan, "not filtered: all values are equal"
    middle, most = mean(sample), largest_zscore(len(sample))
    note = f"nothing can be removed: of {len(sample)} values none lies further than {most:.2f} deviations from the mean"
    return middle - threshold * deviation, middle + threshold * deviation, "" if most > threshold else note
