"""Power laws, their rivals, and dose–response curves: against scipy, by hand, and by recovering what was put in."""

import math

import numpy as np
import pytest
from scipy import stats

from engine.analysis.statistics.dose_response import dose_response
from engine.analysis.statistics.laws import power_law, rivals

PYTHIA = [70e6, 160e6, 410e6, 1e9, 1.4e9, 2.8e9, 6.9e9, 12e9]
GAINS = [1.10, 1.55, 2.05, 2.90, 3.604, 4.30, 6.245, 7.60]
"""Last-layer MLP gains over the eight sizes; those of 1.4b and 6.9b are published, the others typed in between."""


def test_the_law_of_the_pythia_sizes_is_scipys() -> None:
    known = stats.linregress(np.log10(PYTHIA), np.log10(GAINS))
    law = power_law(PYTHIA, GAINS)
    assert (law.exponent, law.stderr, law.intercept, law.p) == pytest.approx(
        (known.slope, known.stderr, known.intercept, known.pvalue)
    )
    assert law.r2 == pytest.approx(known.rvalue**2)
    reach = stats.t.ppf(0.975, 6) * known.stderr
    assert (law.low, law.high) == pytest.approx((known.slope - reach, known.slope + reach))
    assert (law.n, law.note) == (8, "")


def test_an_exponent_is_held_against_another() -> None:
    """t = (measured - supposed) / standard error, with n - 2 degrees of freedom."""
    law = power_law(PYTHIA, GAINS)
    statistic, p = law.against(0.35)
    assert statistic == pytest.approx((law.exponent - 0.35) / law.stderr)
    assert p == pytest.approx(2 * stats.t.sf(abs(statistic), 6))
    assert law.against(0.0)[1] == pytest.approx(law.p)


def test_leaving_one_out_is_fitting_the_others() -> None:
    law = power_law(PYTHIA, GAINS)
    each = [power_law(PYTHIA[:k] + PYTHIA[k + 1 :], GAINS[:k] + GAINS[k + 1 :]).exponent for k in range(8)]
    assert law.without_one == pytest.approx((min(each), max(each)))
    assert all(map(math.isnan, power_law(PYTHIA[:3], GAINS[:3]).without_one))


def test_the_band_of_another_model_worked_by_hand() -> None:
    """Sizes 1, 10, 100, 1000 and logs of values 0, 1, 1, 2: slope .6, intercept .1, residuals -.1, .3, -.3, .1, so
    s² = .2 / 2 = .1, centre 1.5, Σ(x - 1.5)² = 5. At 10⁴: 2.5 ± t(.975, 2) · √(.1 · (1 + 1/4 + 6.25/5))."""
    law = power_law([1, 10, 100, 1000], [1, 10, 10, 100])
    assert (law.exponent, law.intercept, law.deviation) == pytest.approx((0.6, 0.1, math.sqrt(0.1)))
    reach = stats.t.ppf(0.975, 2) * math.sqrt(0.1 * (1 + 0.25 + 1.25))
    assert law.band(1e4) == pytest.approx((10 ** (2.5 - reach), 10 ** (2.5 + reach)))
    narrow = stats.t.ppf(0.975, 2) * math.sqrt(0.1 * (0.25 + 1.25))
    assert law.band(1e4, of_mean=True) == pytest.approx((10 ** (2.5 - narrow), 10 ** (2.5 + narrow)))


def test_spread_over_seeds_counts_as_in_weighted_least_squares() -> None:
    errors = [0.4, 0.1, 0.1, 0.2, 0.05, 0.5, 0.1, 1.0]
    weights = (np.array(GAINS) / errors) ** 2
    slope, intercept = np.polyfit(np.log10(PYTHIA), np.log10(GAINS), 1, w=np.sqrt(weights))
    law = power_law(PYTHIA, GAINS, errors)
    assert (law.exponent, law.intercept) == pytest.approx((slope, intercept))
    law = power_law(PYTHIA, GAINS, [0.0, *errors[1:]])
    assert law.exponent == pytest.approx(power_law(PYTHIA, GAINS).exponent)
    assert law.note == "not weighted: a model has no spread over seeds"


def test_what_no_law_can_be_fitted_to_is_said() -> None:
    law = power_law([1, 2, 3, 4], [1.0, -1.0, math.nan, math.inf])
    assert law.note == "a fit needs 3 models of different size with a value above zero, here are 1"
    assert not law.fitted
    assert all(map(math.isnan, (law.at(10), *law.band(10), *law.against(0.3))))
    assert power_law(PYTHIA[:4], GAINS[:4]).note == "4 sizes say little of an exponent: 5 are the least"


@pytest.mark.slow
def test_the_interval_of_the_exponent_and_the_band_hold_what_they_should() -> None:
    """Of 1,000 simulated families, 95 ± 2 % of the exponents' intervals and of the bands hold the truth."""
    rng = np.random.default_rng(4)
    x = np.log10(PYTHIA)
    exponents = predictions = 0
    for _ in range(1000):
        law = power_law(PYTHIA, (10 ** (-2 + 0.27 * x + rng.normal(0, 0.05, size=8))).tolist())
        exponents += law.low <= 0.27 <= law.high
        low, high = law.band(70e9)
        predictions += low <= 10 ** (-2 + 0.27 * math.log10(70e9) + rng.normal(0, 0.05)) <= high
    assert 0.93 <= exponents / 1000 <= 0.97
    assert 0.93 <= predictions / 1000 <= 0.97


@pytest.mark.parametrize("truth", ["power", "power with offset", "exponential"])
def test_the_form_that_made_the_values_is_first_and_its_numbers_come_back(truth: str) -> None:
    sizes = np.geomspace(1e4, 1e8, 12)
    values = {
        "power": 50 * sizes**-0.3,
        "power with offset": 1.7 + 900 * sizes**-0.5,
        "exponential": 30 * np.exp(-3e-8 * sizes),
    }[truth]
    first = rivals(list(sizes), list(values * np.exp(np.random.default_rng(1).normal(0, 1e-3, size=12))))[0]
    assert first.name == truth
    known = {"power": (50, -0.3), "power with offset": (1.7, 900, -0.5), "exponential": (30, -3e-8)}[truth]
    assert first.parameters == pytest.approx(known, rel=0.05)


def test_aicc_worked_by_hand() -> None:
    """n ln(RSS/n) + 2k + 2k(k+1)/(n-k-1) with k = 3: slope, intercept and spread."""
    law = power_law(PYTHIA, GAINS)
    squares = law.deviation**2 * 6
    [power] = [rival for rival in rivals(PYTHIA, GAINS) if rival.name == "power"]
    assert power.residual == pytest.approx(squares)
    assert power.aicc == pytest.approx(8 * math.log(squares / 8) + 6 + 24 / 4)
    few = {rival.name: rival.note for rival in rivals(PYTHIA[:4], GAINS[:4])}
    assert few["power"] == "AICc needs 5 models, here are 4"
    assert few["power with offset"] == "AICc needs 6 models, here are 4"
    assert {rival.note for rival in rivals(PYTHIA[:2], GAINS[:2])} == {
        "needs 3 sizes, here are 2",
        "needs 4 sizes, here are 2",
    }


DOSES = [0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6]


def curve(dose: float, half: float = 0.3, slope: float = 3.0, start: float = 0.5, end: float = 4.5) -> float:
    """log10 of the response, written as pharmacologists do."""
    return start + (end - start) * math.pow(dose, slope) / (math.pow(dose, slope) + math.pow(half, slope))


def test_a_curve_without_noise_comes_back() -> None:
    found = dose_response(DOSES, [10 ** curve(dose) for dose in DOSES])
    assert (found.half, found.slope, found.start, found.end) == pytest.approx((0.3, 3.0, 0.5, 4.5), rel=1e-4)
    assert found.low == pytest.approx(0.3, rel=1e-3)
    assert found.at(0.3) == pytest.approx(10**2.5, rel=1e-3)
    assert found.at(0.0) == pytest.approx(10**0.5, rel=1e-3)
    assert found.note == ""


def test_a_response_that_falls_is_fitted_too() -> None:
    found = dose_response(DOSES, [curve(dose, start=1.0, end=0.2) for dose in DOSES], log=False)
    assert (found.half, found.start, found.end) == pytest.approx((0.3, 1.0, 0.2), rel=1e-3)


@pytest.mark.slow
def test_the_interval_of_the_half_dose_holds_it() -> None:
    """Of 300 simulated sweeps with 5 seeds a level, 95 ± 3.5 % of the intervals hold the dose that made them."""
    rng = np.random.default_rng(9)
    doses = [dose for dose in DOSES for _ in range(5)]
    hits = 0
    for _ in range(300):
        found = dose_response(doses, [10 ** (curve(dose) + rng.normal(0, 0.3)) for dose in doses])
        hits += found.low <= 0.3 <= found.high
    assert 0.915 <= hits / 300 <= 0.985


def test_what_the_doses_cannot_tell_is_said() -> None:
    found = dose_response([0, 1, 2, 3], [1, 2, 3, 4])
    assert found.note == "a curve needs 5 different doses with a response, here are 4"
    found = dose_response(DOSES, [2.0] * 7)
    assert found.note == "the response does not change with the dose"
    assert math.isnan(found.half)
    early = [dose for dose in np.linspace(0, 0.2, 7)]
    found = dose_response(early, [10 ** curve(dose) for dose in early])
    assert "half the damage lies beyond the largest dose tried, 0.2" in found.note
    found = dose_response([*DOSES, 3.2], [*(10 ** curve(dose) for dose in DOSES), math.inf])
    assert (found.n, found.dropped) == (7, 1)


def test_values_that_lie_too_far_apart_have_no_rivals() -> None:
    assert {rival.note for rival in rivals([1e3, 1e4, 1e5, 1e6], [5e-324, 1.0, 2.0, 1e308])} == {
        "the values lie too far apart to tell"
    }
