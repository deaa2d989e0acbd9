"""Power-law fits against least squares written out in numpy float64, laws known beforehand, and published numbers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine import analysis
from engine.analysis.power_law import fit
from tests.analysis.conftest import MakeRun, record

SIZES = {"petri-16k": 35_700, "petri-60k": 100_200, "petri-250k": 315_584, "petri-1m": 1_122_688}


def least_squares(params: Sequence[int], values: Sequence[float]) -> tuple[float, float, float, float]:
    """Slope, its standard error, intercept and R² of log10 on log10 from the normal equations."""
    x, y = np.log10(np.asarray(params, np.float64)), np.log10(np.asarray(values, np.float64))
    design = np.stack([x, np.ones_like(x)], axis=1)
    slope, intercept = np.linalg.solve(design.T @ design, design.T @ y)
    residual = y - slope * x - intercept
    variance = residual @ residual / (len(x) - 2)
    stderr = math.sqrt(variance * np.linalg.inv(design.T @ design)[0, 0])
    return slope, stderr, intercept, 1 - (residual @ residual) / ((y - y.mean()) @ (y - y.mean()))


def frame_of(make_run: MakeRun, values: Mapping[str, Sequence[float | str]], **given: Any) -> pd.DataFrame:
    """A table with one trial for each model and value."""
    records = [
        record(index, model=model, parameters=SIZES[model], seed=42 + seed, metrics={"perplexity": value}, **given)
        for index, (model, seed, value) in enumerate(
            (model, seed, value) for model, several in values.items() for seed, value in enumerate(several)
        )
    ]
    return analysis.table(make_run(*records))


def test_an_exact_law_is_found_exactly() -> None:
    found = fit([10**4, 10**5, 10**6], [100.0, 10.0, 1.0])  # value = 10^6 / params
    assert found.exponent == pytest.approx(-1.0, abs=1e-12)
    assert found.intercept == pytest.approx(6.0, abs=1e-12)
    assert found.r2 == pytest.approx(1.0, abs=1e-12)
    assert found.stderr == pytest.approx(0.0, abs=1e-7)
    assert found.at(10**3) == pytest.approx(1000.0)


def test_fit_by_hand() -> None:
    # log10: x = 1, 2, 3 and y = 0, 2, 1: slope 1/2, intercept 0, R² = 1/4; residuals −1/2, 1, −1/2: stderr = √(3/4).
    found = fit([10, 100, 1000], [1.0, 100.0, 10.0])
    assert (found.exponent, found.intercept, found.r2) == pytest.approx((0.5, 0.0, 0.25))
    assert found.stderr == pytest.approx(math.sqrt(0.75))
    # One degree of freedom: t = 0.5 / √0.75 and p = 1 − (2/π)·atan t = 2/3.
    assert found.p == pytest.approx(2 / 3)


def test_fit_agrees_with_the_normal_equations(make_run: MakeRun) -> None:
    values = {"petri-16k": [31.0, 29.0], "petri-60k": [20.0, 21.5], "petri-250k": [14.0, 12.0], "petri-1m": [9.0, 11.0]}
    found = analysis.scaling(frame_of(make_run, values), "perplexity", "mult_gauss", "attn_only", 0.5)
    means = [sum(several) / 2 for several in values.values()]
    assert found.params == tuple(SIZES.values())
    assert found.values == pytest.approx(means)
    assert found.low == tuple(min(several) for several in values.values())
    assert found.high == tuple(max(several) for several in values.values())
    assert found.n == (2, 2, 2, 2)
    expected = least_squares(list(SIZES.values()), means)
    assert (found.exponent, found.stderr, found.intercept, found.r2) == pytest.approx(expected, rel=1e-10)
    assert found.dropped == 0


def test_what_has_no_logarithm_is_dropped_and_counted(make_run: MakeRun) -> None:
    values: dict[str, list[float | str]] = {
        "petri-16k": [30.0, "inf", "nan"],
        "petri-60k": [20.0, 22.0, 24.0],
        "petri-250k": [-1.0, -2.0, -3.0],
        "petri-1m": [10.0, 10.0, 10.0],
    }
    found = analysis.scaling(frame_of(make_run, values), "perplexity", "mult_gauss", "attn_only", 0.5)
    assert found.models == ("petri-16k", "petri-60k", "petri-1m")
    assert found.values == (30.0, 22.0, 10.0)
    assert (found.low, found.high) == ((30.0, 20.0, 10.0), (30.0, 24.0, 10.0))
    assert found.n == (1, 3, 3)
    assert found.dropped == 2 + 3
    expected = least_squares([SIZES[model] for model in found.models], found.values)
    assert found.exponent == pytest.approx(expected[0], rel=1e-10)


def test_fewer_than_three_sizes_give_no_fit_and_say_why(make_run: MakeRun) -> None:
    found = analysis.scaling(
        frame_of(make_run, {"petri-16k": [3.0], "petri-60k": [2.0]}), "perplexity", "mult_gauss", "attn_only", 0.5
    )
    assert found.exponent is found.stderr is found.intercept is found.r2 is found.p is None
    assert found.reason is not None
    assert "3 models of different size" in found.reason
    assert found.values == (3.0, 2.0)
    assert math.isnan(found.at(1000))
    assert fit([10, 10, 100], [1.0, 2.0, 3.0]).exponent is None


def test_method_none_compares_the_baselines(make_run: MakeRun) -> None:
    frame = frame_of(make_run, {"petri-16k": [30.0], "petri-60k": [20.0], "petri-1m": [10.0]}, baseline=True)
    frame["method"], frame["level"] = "none", math.nan
    assert analysis.scaling(frame, "perplexity").values == (30.0, 20.0, 10.0)


def test_the_strongest_level_is_the_last_that_most_models_survive(make_run: MakeRun) -> None:
    values: dict[float, list[float | str]] = {
        0.5: [30.0, 20.0, 10.0],
        1.0: [300.0, 200.0, 100.0],
        1.5: ["nan", 2000.0, 1000.0],
    }
    records = [
        record(10 * i + j, model=model, parameters=SIZES[model], level=level, metrics={"perplexity": several[j]})
        for i, (level, several) in enumerate(values.items())
        for j, model in enumerate(list(SIZES)[:3])
    ]
    frame = analysis.table(make_run(*records))
    assert analysis.strongest(frame, "perplexity", "mult_gauss") == 1.0
    frame["method"] = "uni_quant"  # fewer values are worse: the smallest level is the strongest
    assert analysis.strongest(frame, "perplexity", "uni_quant") == 0.5


def test_the_strongest_level_is_chosen_over_all_groups_of_the_method(make_run: MakeRun) -> None:
    values: dict[str, dict[float, float | str]] = {
        "attn_only": {0.5: 10.0, 1.0: 20.0},
        "mlp_only": {0.5: 10.0, 1.0: "inf"},
        "embed_only": {0.5: 9.0},
    }
    records = [
        record(index, group=group, level=level, metrics={"perplexity": value})
        for index, (group, level, value) in enumerate(
            (group, level, value) for group, levels in values.items() for level, value in levels.items()
        )
    ]
    frame = analysis.table(make_run(*records))
    assert analysis.strongest(frame, "perplexity", "mult_gauss") == 0.5
    assert analysis.strongest(frame[frame["group"] == "attn_only"], "perplexity", "mult_gauss") == 1.0
    # Where nothing survives at all the levels are equals, and the strongest is taken.
    frame["perplexity"] = math.nan
    assert analysis.strongest(frame, "perplexity", "mult_gauss") == 1.0
    assert analysis.strongest(frame, "perplexity", "ablation") is None


def test_published_gains_of_the_last_mlp() -> None:
    # Reference points of the published scaling law of MLP gains: Pythia-1.4b 3.604 and 6.9b 6.245.
    # Two points are a line: the exponent is log(6.245 / 3.604) / log(6.9 / 1.4).
    assert fit([1_400_000_000, 6_900_000_000], [3.604, 6.245]).exponent is None
    exponent = math.log(6.245 / 3.604) / math.log(6.9 / 1.4)
    between = 3.604 * (2.8 / 1.4) ** exponent
    found = fit([1_400_000_000, 2_800_000_000, 6_900_000_000], [3.604, between, 6.245])
    assert found.exponent == pytest.approx(0.34468, abs=1e-4)
    assert found.exponent == pytest.approx(exponent, rel=1e-9)
    assert found.r2 == pytest.approx(1.0)
