"""The interval of a median, held against scipy's binomial and against samples."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from engine.analysis.doses import median_interval


@pytest.mark.parametrize("count", range(1, 60))
def test_the_interval_is_the_narrowest_that_holds_the_median(count: int) -> None:
    low, high, coverage = median_interval([float(value) for value in range(count)])
    k = int(low)
    assert high == count - 1 - k
    assert coverage == pytest.approx(max(0.0, 1 - 2 * binom.cdf(k, count, 0.5)), abs=1e-12)
    if count >= 6:
        assert coverage >= 0.95 > 1 - 2 * binom.cdf(k + 1, count, 0.5)
    else:
        assert k == 0


def test_it_covers_as_often_as_it_says() -> None:
    """Of skewed samples, a fifth of them beyond every level."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(2000):
        values = np.sort(rng.lognormal(size=11))
        values[values > np.exp(0.8416)] = math.inf
        low, high, coverage = median_interval(list(values))
        hits += low <= 1.0 <= high
    assert hits / 2000 == pytest.approx(coverage, abs=3 * math.sqrt(coverage * (1 - coverage) / 2000))


def test_without_values_there_is_none() -> None:
    low, high, coverage = median_interval([])
    assert (math.isnan(low), math.isnan(high), coverage) == (True, True, 0.0)
