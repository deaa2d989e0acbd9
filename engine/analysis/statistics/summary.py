"""A sample in a few numbers: mean, deviation, median, extremes, and where the mean may lie."""

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.analysis.statistics.numbers import Floats, finite, largest, mean, quantiles, sample_deviation

CONFIDENCE = 0.95
RESAMPLES = 9_999
SMALL = 8
"""Below this many values a bootstrap interval of the mean is known to be too narrow."""


@dataclass(frozen=True)
class Summary:
    """Of the `n` finite values of a sample; `nonfinite` more were nan or inf.

    `sd` is the sample standard deviation (n - 1), nan below two values. `low` and `high` bound the mean with
    `confidence`, nan where there is no interval; `note` says why not, or what it is worth. `flipped` counts values that
    changed sign because absolute values were asked for.
    """

    n: int
    nonfinite: int
    mean: float
    sd: float
    minimum: float
    maximum: float
    median: float
    low: float
    high: float
    confidence: float
    flipped: int
    note: str


def summarise(
    values: Iterable[float], *, absolute: bool = False, confidence: float = CONFIDENCE, seed: int = 0
) -> Summary:
    """The summary of a sample, of its absolute values where `absolute`. The same seed gives the same interval."""
    every = list(values)
    sample = finite(every)
    flipped = int((sample < 0).sum()) if absolute else 0
    sample = np.abs(sample) if absolute else sample
    if not len(sample):
        nothing = (math.nan,) * 7
        return Summary(0, len(every), *nothing, confidence, 0, "no finite value")
    low, high, note = mean_interval(sample, confidence, seed)
    return Summary(
        n=len(sample),
        nonfinite=len(every) - len(sample),
        mean=mean(sample),
        sd=sample_deviation(sample),
        minimum=float(sample.min()),
        maximum=float(sample.max()),
        median=quantiles(sample, [50])[0],
        low=low,
        high=high,
        confidence=confidence,
        flipped=flipped,
        note=note,
    )


def mean_interval(sample: Floats, confidence: float = CONFIDENCE, seed: int = 0) -> tuple[float, float, str]:
    """Where the mean lies: the bias-corrected and accelerated bootstrap interval (BCa; Efron, 1987), and a note.

    Without an interval both bounds are nan. Values that are all equal give that value twice.
    """
    if len(sample) < 2:
        return math.nan, math.nan, "an interval needs two values"
    if (sample == sample[0]).all():
        return float(sample[0]), float(sample[0]), "all values are equal"
    from scipy.stats import bootstrap

    # Resampled means of very large values overflow; of a scaled sample they do not.
    scale = largest(sample)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # degenerate resamples of tiny samples give nan, which is said below
        drawn = bootstrap(
            (sample / scale,),
            np.mean,
            confidence_level=confidence,
            n_resamples=RESAMPLES,
            method="BCa",
            rng=np.random.default_rng(seed),
        )
    low, high = float(drawn.confidence_interval.low) * scale, float(drawn.confidence_interval.high) * scale
    if math.isnan(low) or math.isnan(high):
        return math.nan, math.nan, "too few different values for a bootstrap interval"
    return low, high, f"an interval of {len(sample)} values is too narrow as a rule" if len(sample) < SMALL else ""
