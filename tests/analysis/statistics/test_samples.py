"""Summaries, filters, comparisons and correlations, against scipy, hand-worked cases and published figures."""

import math
from statistics import mean, median, stdev

import numpy as np
import pytest
from scipy import stats

from engine.analysis.statistics.comparing import analysis_of_variance, hedges_g, holm, t_test
from engine.analysis.statistics.correlation import pearson, spearman
from engine.analysis.statistics.outliers import filtered, largest_zscore
from engine.analysis.statistics.summary import summarise

ADAMW, SGD = [-2.37, 3.64, -12.41], [5.27, -1.04, -0.81]
"""Rank reductions in percent that a study published, three runs an optimiser."""

FP16, EIGHT_BIT, FOUR_BIT = [-6.77, -7.83, -4.76], [0.86, 0.11, 0.42], [5.07, -0.54, 4.94]
"""The same of three runs a precision."""


def test_a_summary_is_that_of_the_standard_library() -> None:
    values = [3.0, -1.0, 4.0, 1.5, -5.0, 9.0, 2.6, 5.3]
    told = summarise(values)
    assert (told.n, told.mean, told.sd, told.median) == pytest.approx((8, mean(values), stdev(values), median(values)))
    assert (told.minimum, told.maximum, told.flipped, told.note) == (-5.0, 9.0, 0, "")
    assert told.low < told.mean < told.high


def test_the_interval_is_scipys_bca_and_the_same_for_the_same_seed() -> None:
    values = np.random.default_rng(3).lognormal(size=25)
    known = stats.bootstrap((values,), np.mean, method="BCa", rng=np.random.default_rng(7), n_resamples=9_999)
    told = summarise(values, seed=7)
    assert (told.low, told.high) == pytest.approx(tuple(known.confidence_interval), rel=1e-9)
    assert summarise(values, seed=7) == told
    assert summarise(values, seed=8).low != told.low


def test_absolute_values_say_how_many_changed_sign() -> None:
    """The published means are of absolute values: half of them were rises."""
    told = summarise(ADAMW, absolute=True)
    assert (round(told.mean, 4), round(told.sd, 3), told.flipped) == (6.14, 5.467, 2)
    told = summarise(SGD, absolute=True)
    assert (round(told.mean, 4), round(told.sd, 4), told.flipped) == (2.3733, 2.5112, 2)
    assert summarise(ADAMW).mean == pytest.approx(mean(ADAMW))


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([], "no finite value"),
        ([math.nan, math.inf], "no finite value"),
        ([2.0], "an interval needs two values"),
        ([2.0, 2.0, 2.0], "all values are equal"),
        ([1.0, 2.0, 4.0], "an interval of 3 values is too narrow as a rule"),
    ],
)
def test_what_a_sample_does_not_tell_is_said(values: list[float], note: str) -> None:
    told = summarise(values)
    assert told.note == note
    assert told.n + told.nonfinite == len(values)


def test_values_that_no_square_holds_have_a_deviation() -> None:
    told = summarise([1e300, 1.5e308, -1.7e308, 3e307])
    assert all(map(math.isfinite, (told.mean, told.sd, told.low, told.high)))
    assert told.sd == pytest.approx(stdev([1e-8, 1.5, -1.7, 0.3]) * 1e308)


@pytest.mark.slow
def test_the_interval_holds_the_mean_as_often_as_it_says() -> None:
    """Of 600 samples of 60 from a skewed distribution, 95 ± 2.5 % hold its mean."""
    rng = np.random.default_rng(11)
    hits = 0
    for trial in range(600):
        told = summarise(rng.gamma(4.0, size=60), seed=trial)
        hits += told.low <= 4.0 <= told.high
    assert 0.925 <= hits / 600 <= 0.975


def test_quartiles_filter_as_worked_by_hand() -> None:
    """1 2 3 4 100: the quartiles are 2 and 4, their range 2, so the bounds are -1 and 7."""
    found = filtered([1.0, 2.0, 3.0, 4.0, 100.0], "iqr")
    assert (found.low, found.high, found.removed, found.kept) == (-1.0, 7.0, (4,), (0, 1, 2, 3))
    assert filtered([1.0, 2.0, 3.0, 4.0, 7.0], "iqr").removed == ()  # a value on the bound stays
    assert filtered([1.0, 2.0, 3.0, 4.0, 7.1], "iqr", 10.0).removed == ()


def test_deviations_filter_as_scipy_counts_them() -> None:
    values = [*np.random.default_rng(5).normal(size=30), 9.0]
    found = filtered(values, "zscore")
    assert found.removed == tuple(np.flatnonzero(np.abs(stats.zscore(values, ddof=1)) > 3))
    assert found.removed == (30,)


def test_what_is_not_finite_is_neither_kept_nor_removed() -> None:
    found = filtered([1.0, math.nan, 2.0, 3.0, 4.0, math.inf, 100.0], "iqr")
    assert (found.kept, found.removed) == ((0, 2, 3, 4), (6,))


@pytest.mark.parametrize(
    ("values", "rule", "note"),
    [
        ([1.0, 2.0, 3.0], "iqr", "not filtered: quartiles need 4 values, here are 3"),
        ([1.0, 5.0, 5.0, 5.0, 5.0, 9.0], "iqr", "not filtered: the middle half of the values are equal"),
        ([1.0], "zscore", "not filtered: a deviation needs 2 values, here are 1"),
        ([1.0, 1.0], "zscore", "not filtered: all values are equal"),
        ([0.0, 0.0, 1e9], "zscore", "nothing can be removed: of 3 values none lies further than 1.15 deviations from "),
    ],
)
def test_a_filter_says_what_it_cannot_do(values: list[float], rule: str, note: str) -> None:
    found = filtered(values, rule)  # type: ignore[arg-type]  # a text among those that it accepts
    assert found.removed == ()
    assert found.note.startswith(note)


@pytest.mark.parametrize("n", [2, 3, 5, 10, 11, 12, 40])
def test_the_largest_zscore_is_that_of_one_value_far_from_all_others(n: int) -> None:
    extreme = [0.0] * (n - 1) + [1.0]
    assert largest_zscore(n) == pytest.approx(stats.zscore(extreme, ddof=1)[-1])


def test_two_means_are_compared_as_by_scipy() -> None:
    a, b = [3.1, 4.2, 5.9, 4.4], [6.0, 9.5, 7.7, 11.0, 8.1]
    for equal in (True, False):
        known = stats.ttest_ind(a, b, equal_var=equal)
        told = t_test(a, b, equal_spread=equal)
        assert (told.statistic, told.df[0], told.p) == pytest.approx((known.statistic, known.df, known.pvalue))


def test_the_published_tests_are_the_classical_ones_on_signed_values() -> None:
    """Student's t of two optimisers, and the analysis of variance over three precisions, to all published digits."""
    told = t_test(ADAMW, SGD, equal_spread=True)
    assert (told.statistic, told.p) == pytest.approx((-0.9484188880545299, 0.3966208715181173), rel=1e-14)
    told = analysis_of_variance([FP16, EIGHT_BIT, FOUR_BIT], equal_spread=True)
    assert (told.statistic, told.p) == pytest.approx((17.242909971647656, 0.00325495458383261), rel=1e-12)


def test_more_means_are_compared_as_by_scipy_and_as_by_welch() -> None:
    groups = [[3.1, 4.2, 5.9, 4.4], [6.0, 9.5, 7.7, 11.0, 8.1], [5.0, 5.5, 4.1]]
    known = stats.f_oneway(*groups)
    told = analysis_of_variance(groups, equal_spread=True)
    assert (told.statistic, told.p, *told.df) == pytest.approx((known.statistic, known.pvalue, 2.0, 9.0))
    two = analysis_of_variance(groups[:2])  # of two groups it is the square of Welch's t
    welch = stats.ttest_ind(*groups[:2], equal_var=False)
    assert (two.statistic, two.p, two.df[1]) == pytest.approx((welch.statistic**2, welch.pvalue, welch.df))


def test_welch_s_analysis_of_three_groups_worked_by_hand() -> None:
    """Means 2, 4, 9, variances 1, 4, 4 and three values each, so weights 3, .75, .75 and their sum 4.5; the weighted
    mean is (6 + 3 + 6.75) / 4.5 = 3.5; between: (3·2.25 + .75·.25 + .75·30.25) / 2 = 14.8125; Λ = ((1/3)² + 2·(5/6)²)/2
    = .75; the divisor is 1 + 2/8·.75 = 1.1875; F = 12.4737 with 2 and 8 / 2.25 = 3.5556 degrees of freedom."""
    told = analysis_of_variance([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [7.0, 9.0, 11.0]])
    assert told.statistic == pytest.approx(14.8125 / 1.1875)
    assert told.df == pytest.approx((2, 8 / 2.25))
    assert told.p == pytest.approx(stats.f.sf(14.8125 / 1.1875, 2, 8 / 2.25))


def test_holm_worked_by_hand() -> None:
    """.01·4, .02·3 = .06, .03·2 = .06, and .5."""
    assert holm([0.03, 0.01, math.nan, 0.5, 0.02]) == pytest.approx([0.06, 0.04, math.nan, 0.5, 0.06], nan_ok=True)
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_hedges_g_worked_by_hand() -> None:
    """Means 2 and 4, pooled deviation 1, four degrees of freedom: d = -2, J = Γ(2) / (√2 Γ(1.5)) = 0.7979; the variance
    is 6/9 + g²/12."""
    told = hedges_g([1.0, 2.0, 3.0], [3.0, 4.0, 5.0])
    g = -2 * math.gamma(2) / (math.sqrt(2) * math.gamma(1.5))
    reach = 1.959963984540054 * math.sqrt(6 / 9 + g**2 / 12)
    assert (told.g, told.low, told.high) == pytest.approx((g, g - reach, g + reach))


@pytest.mark.parametrize(
    ("groups", "note"),
    [
        ([[1.0, 2.0]], "a comparison needs two groups"),
        ([[1.0, 2.0], [3.0, math.nan]], "a comparison needs two finite values in each group, one has 1"),
        ([[1.0, 1.0], [2.0, 2.0]], "no group has any spread"),
        ([[1.0, 1.0], [2.0, 3.0]], "a group without spread has no weight"),
    ],
)
def test_what_cannot_be_compared_is_said(groups: list[list[float]], note: str) -> None:
    told = analysis_of_variance(groups)
    assert told.note == note
    assert math.isnan(told.statistic)
    assert math.isnan(told.p)


def test_correlations_are_scipys() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=12)
    y = x + rng.normal(size=12)
    known = stats.pearsonr(x, y)
    interval = known.confidence_interval(0.95)
    told = pearson([*x, math.nan], [*y, 1.0])
    assert (told.n, told.r, told.p) == pytest.approx((12, known.statistic, known.pvalue))
    assert (told.low, told.high) == pytest.approx((interval.low, interval.high))
    ranks = stats.spearmanr(x, y)
    told = spearman(list(x), list(y))
    assert (told.r, told.p) == pytest.approx((ranks.statistic, ranks.pvalue))
    half = 1.959963984540054 * math.sqrt((1 + told.r**2 / 2) / 9)
    assert math.atanh(told.high) - math.atanh(told.r) == pytest.approx(half)


@pytest.mark.parametrize(
    ("x", "y", "note"),
    [
        ([1.0, 2.0], [3.0, 4.0], "a correlation needs 3 pairs, here are 2"),
        ([1.0, 1.0, 1.0], [3.0, 4.0, 5.0], "one of the two does not vary"),
        ([1.0, 2.0, 3.0], [3.0, 4.0, 4.5], "an interval needs 4 pairs"),
    ],
)
def test_what_cannot_be_correlated_is_said(x: list[float], y: list[float], note: str) -> None:
    assert pearson(x, y).note == note
