"""Whether groups differ: tests of means that do not ask for equal spreads, their correction, and effect sizes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.analysis.statistics.numbers import Floats, finite, scaled


@dataclass(frozen=True)
class Test:
    """A test of equal means. `df` are its degrees of freedom (between and within, where it has two); without a result
    the numbers are nan and `note` says why."""

    name: str
    statistic: float
    df: tuple[float, ...]
    p: float
    note: str = ""


@dataclass(frozen=True)
class Effect:
    """A difference of means in units of the pooled standard deviation: Hedges' g, with its 95 % interval."""

    g: float
    low: float
    high: float
    note: str = ""


def t_test(first: Sequence[float], second: Sequence[float], *, equal_spread: bool = False) -> Test:
    """Two means: Welch's t (1947), or Student's t where the spreads are taken to be equal. Two-sided."""
    name = "Student's t" if equal_spread else "Welch's t"
    a, b = scaled([finite(first), finite(second)])
    if note := _too_little([a, b]):
        return Test(name, math.nan, (math.nan,), math.nan, note)
    from scipy.stats import ttest_ind

    result = ttest_ind(a, b, equal_var=equal_spread)
    return Test(name, float(result.statistic), (float(result.df),), float(result.pvalue))


def analysis_of_variance(groups: Sequence[Sequence[float]], *, equal_spread: bool = False) -> Test:
    """Two or more means: Welch's analysis of variance (1951), or the classical one where spreads are taken to be equal.

    Welch's statistic is Σ w (m - M)² / (k - 1) over 1 + 2 (k - 2) / (k² - 1) · Λ with w = n / s², M the mean weighted
    by w, and Λ = Σ (1 - w / Σw)² / (n - 1); its degrees of freedom are k - 1 and (k² - 1) / (3 Λ).
    """
    name = "one-way analysis of variance" if equal_spread else "Welch's analysis of variance"
    samples = scaled([finite(group) for group in groups])
    if note := _too_little(samples):
        return Test(name, math.nan, (math.nan, math.nan), math.nan, note)
    k = len(samples)
    if equal_spread:
        from scipy.stats import f_oneway

        result = f_oneway(*samples)
        within = sum(map(len, samples)) - k
        return Test(name, float(result.statistic), (float(k - 1), float(within)), float(result.pvalue))
    if any(sample.var(ddof=1) == 0 for sample in samples):
        return Test(name, math.nan, (math.nan, math.nan), math.nan, "a group without spread has no weight")
    return _welch(name, samples)


def _welch(name: str, samples: Sequence[Floats]) -> Test:
    from scipy.stats import f

    k = len(samples)
    counts = np.array([len(sample) for sample in samples], dtype=np.float64)
    means = np.array([sample.mean() for sample in samples])
    weights = counts / np.array([sample.var(ddof=1) for sample in samples])
    share = weights / weights.sum()
    spread = float(((1 - share) ** 2 / (counts - 1)).sum())
    between = float((weights * (means - (share * means).sum()) ** 2).sum()) / (k - 1)
    statistic = between / (1 + 2 * (k - 2) / (k**2 - 1) * spread)
    within = (k**2 - 1) / (3 * spread)
    return Test(name, statistic, (float(k - 1), within), float(f.sf(statistic, k - 1, within)))


def holm(values: Sequence[float]) -> list[float]:
    """p-values corrected for how many they are, in their order (Holm, 1979); a nan stays one and counts for nothing."""
    order = sorted((place for place, p in enumerate(values) if not math.isnan(p)), key=lambda place: values[place])
    corrected = list(values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * values[place]))
        corrected[place] = largest
    return corrected


def hedges_g(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Effect:
    """(mean of the first - mean of the second) / pooled deviation, freed of its small-sample bias (Hedges, 1981).

    The interval is the normal one with the variance (n₁ + n₂) / (n₁ n₂) + g² / (2 (n₁ + n₂)) (Hedges and Olkin, 1985).
    """
    from scipy.special import gammaln
    from scipy.stats import norm

    a, b = scaled([finite(first), finite(second)])
    if note := _too_little([a, b]):
        return Effect(math.nan, math.nan, math.nan, note)
    free = len(a) + len(b) - 2
    pooled = math.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / free)
    if pooled == 0:
        return Effect(math.nan, math.nan, math.nan, "neither group has any spread")
    # The exact factor Γ(m/2) / (√(m/2) Γ((m-1)/2)); the usual 1 - 3/(4m - 1) approximates it.
    exact = math.exp(gammaln(free / 2) - gammaln((free - 1) / 2)) / math.sqrt(free / 2) if free > 1 else 0.0
    g = exact * (a.mean() - b.mean()) / pooled
    n = len(a) + len(b)
    error = math.sqrt(n / (len(a) * len(b)) + g**2 / (2 * n))
    reach = float(norm.ppf(0.5 + confidence / 2)) * error
    return Effect(float(g), float(g - reach), float(g + reach))


def _too_little(samples: Sequence[Floats]) -> str:
    """Why means cannot be compared; empty where they can."""
    if len(samples) < 2:
        return "a comparison needs two groups"
    if (fewest := min(map(len, samples))) < 2:
        return f"a comparison needs two finite values in each group, one has {fewest}"
    if all((sample == sample[0]).all() for sample in samples):
        return "no group has any spread"
    return ""
