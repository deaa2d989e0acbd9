"""How two quantities go together: Pearson's and Spearman's coefficients with their intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.analysis.statistics.numbers import largest

FEWEST = 3


@dataclass(frozen=True)
class Correlation:
    """A coefficient over the `n` pairs that are finite, its two-sided p-value for none, and its interval. Numbers that
    there are none of are nan; `note` says why."""

    name: str
    n: int
    r: float
    p: float
    low: float
    high: float
    note: str = ""


def pearson(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Correlation:
    """The product-moment coefficient; its interval by Fisher's z with the standard error 1 / √(n - 3)."""
    return _correlation("Pearson", first, second, confidence)


def spearman(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Correlation:
    """The rank coefficient; its interval by Fisher's z with the standard error √((1 + r²/2) / (n - 3)) (Bonett and
    Wright, 2000)."""
    return _correlation("Spearman", first, second, confidence)


def _correlation(name: str, first: Sequence[float], second: Sequence[float], confidence: float) -> Correlation:
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if math.isfinite(a) and math.isfinite(b)]
    n = len(pairs)
    if n < FEWEST:
        return Correlation(name, n, *(math.nan,) * 4, f"a correlation needs {FEWEST} pairs, here are {n}")
    x, y = (column / largest(column) for column in np.array(pairs, dtype=np.float64).T)
    if (x == x[0]).all() or (y == y[0]).all():
        return Correlation(name, n, *(math.nan,) * 4, "one of the two does not vary")
    from scipy import stats

    result = stats.pearsonr(x, y) if name == "Pearson" else stats.spearmanr(x, y)
    r, p = float(result.statistic), float(result.pvalue)
    if n == FEWEST:
        return Correlation(name, n, r, p, math.nan, math.nan, "an interval needs 4 pairs")
    if abs(r) == 1:
        return Correlation(name, n, r, p, r, r)
    error = math.sqrt((1.0 if name == "Pearson" else 1 + r**2 / 2) / (n - 3))
    reach = float(stats.norm.ppf(0.5 + confidence / 2)) * error
    z = math.atanh(r)
    return Correlation(name, n, r, p, math.tanh(z - reach), math.tanh(z + reach))
