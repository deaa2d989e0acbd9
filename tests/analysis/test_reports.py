"""Reports: published figures from typed-in values, each number against scipy, and tables that nobody thought of."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.analysis.reports import Report
from engine.analysis.reports.page import markdown
from engine.analysis.reports.report import analysed
from engine.errors import LesionError
from engine.profile import Analysis

MECHANISM = {"adamw": (-12.41, -2.37, 3.64), "sgd": (-0.81, 5.27, -1.04)}
SHIELD = {"float16": (-7.83, -4.76, -6.77), "8bit": (0.42, 0.11, 0.86), "4bit": (4.94, -0.54, 5.07)}
"""Published changes of rank in per cent, three runs each (Pythia-410m and Pythia-1b)."""


def trials(values: Mapping[str, tuple[float, ...]], **more: Any) -> pd.DataFrame:
    """A table with a group of damaged trials for each entry."""
    rows = [
        {"group": group, "seed": seed, "rank": value, "trial": f"{group}-{seed}", "level": 100.0}
        for group, column in values.items()
        for seed, value in enumerate(column)
    ]
    same = {"run": "a", "model": "m", "params": 1_000, "method": "catalyst", "status": "ok"}
    return pd.DataFrame([{**same, **row, **more} for row in rows])


def page_of(report: Report) -> str:
    """The page of a report on one line."""
    return " ".join(markdown(report).split())


def of(frame: pd.DataFrame, **choices: Any) -> Report:
    return analysed(["a"], frame, Analysis(metrics=("rank",), **choices))


def test_two_optimisers_of_the_published_attack() -> None:
    [part] = of(trials(MECHANISM)).parts
    [pair] = part.comparisons.made[0].pairs
    assert pair.student.statistic == pytest.approx(-0.9484188880545299, rel=1e-12)
    assert pair.student.p == pytest.approx(0.3966208715181173, rel=1e-9)
    welch = scipy.stats.ttest_ind(MECHANISM["adamw"], MECHANISM["sgd"], equal_var=False)
    assert (pair.welch.statistic, pair.welch.p) == pytest.approx((welch.statistic, welch.pvalue), rel=1e-9)
    assert pair.holm == pair.welch.p  # one pair: nothing to correct for


def test_three_precisions_of_the_published_attack() -> None:
    [part] = of(trials(SHIELD)).parts
    [compared] = part.comparisons.made
    assert compared.classical is not None
    assert compared.classical.statistic == pytest.approx(17.242909971647656, rel=1e-10)
    assert compared.classical.p == pytest.approx(0.00325495458383261, rel=1e-9)
    arms = [arm.values for arm in compared.arms]
    raw = [scipy.stats.ttest_ind(arms[pair.first], arms[pair.second], equal_var=False) for pair in compared.pairs]
    smallest = min(test.pvalue for test in raw)
    assert min(pair.holm for pair in compared.pairs) == pytest.approx(3 * smallest)  # Holm: the smallest of three


def test_absolute_values_are_those_of_the_published_tables_and_say_what_they_hide() -> None:
    [part] = of(trials(MECHANISM), absolute=True).parts
    found = [(round(cell.after.mean, 4), round(cell.after.sd, 4)) for cell in part.cells]
    assert found == [(6.14, 5.467), (2.3733, 2.5112)]
    assert part.flipped == 4
    assert "4 values below 0 changed their sign" in page_of(of(trials(MECHANISM), absolute=True))
    [signed] = of(trials(MECHANISM)).parts
    assert [round(cell.after.mean, 4) for cell in signed.cells] == [-3.7133, 1.14]


def test_a_filter_says_what_it_left_out_and_what_it_cannot() -> None:
    values = (1.0, 1.1, 0.9, 1.05, 0.95, 9.0)
    [part] = of(trials({"all": values}), filter_method="iqr").parts
    [cell] = part.cells
    first, third = np.percentile(values, [25, 75])
    assert (cell.filtering.low, cell.filtering.high) == pytest.approx(
        (first - 1.5 * (third - first), third + 1.5 * (third - first))
    )
    assert cell.removed == ["all-5"]
    assert (cell.before.n, cell.after.n) == (6, 5)
    assert cell.after.mean == pytest.approx(1.0)
    page = page_of(of(trials({"all": values}), filter_method="zscore"))
    assert "nothing can be removed: of 6 values none lies further than 2.04 deviations" in page


def test_a_filter_may_judge_by_another_metric() -> None:
    frame = trials({"all": (1.0, 2.0, 3.0, 4.0, 5.0)}).assign(other=[0.0, 0.1, 0.2, 0.1, 50.0])
    [cell] = of(frame, filter_method="iqr", filter_metric="other").parts[0].cells
    assert cell.removed == ["all-4"]
    assert cell.after.mean == pytest.approx(2.5)


PYTHIA = (70_426_624, 162_322_944, 405_334_016, 1_011_781_632, 1_414_647_808)


def test_a_law_over_sizes_is_that_of_scipy() -> None:
    chance = np.random.default_rng(1)
    means = [3.0e3 * size**-0.25 * math.exp(0.05 * chance.normal()) for size in PYTHIA]
    frame = pd.concat(
        [
            trials({"all": (mean,)}, model=f"pythia-{n}", params=size)
            for n, (size, mean) in enumerate(zip(PYTHIA, means, strict=True))
        ]
    )
    [law] = of(frame, exponent=-0.25).parts[0].laws
    plain = scipy.stats.linregress(np.log10(PYTHIA), np.log10(means))
    assert (law.law.exponent, law.law.stderr, law.law.p) == pytest.approx((plain.slope, plain.stderr, plain.pvalue))
    assert law.law.r2 == pytest.approx(plain.rvalue**2)
    assert law.law.low < -0.25 < law.law.high
    assert law.against is not None
    assert law.against[0] == pytest.approx((plain.slope + 0.25) / plain.stderr)
    predicted, low, high = law.predictions()["7B"]
    assert predicted == pytest.approx(10 ** (plain.intercept + plain.slope * math.log10(7e9)))
    assert low < predicted < high


def test_runs_are_samples_of_their_own_unless_pooled() -> None:
    other = trials({"all": (5.0, 6.0)}, run="b").assign(trial=["b-0", "b-1"])
    frame = pd.concat([trials({"all": (1.0, 2.0)}, run="a"), other])
    apart = analysed(["a", "b"], frame, Analysis(metrics=("rank",)))
    assert [(cell.runs, cell.after.n) for cell in apart.parts[0].cells] == [(("a",), 2), (("b",), 2)]
    assert [arm.runs for arm in apart.parts[0].comparisons.made[0].arms] == [("a",), ("b",)]
    together = analysed(["a", "b"], frame, Analysis(metrics=("rank",), pool=True))
    assert [(cell.runs, cell.after.n) for cell in together.parts[0].cells] == [(("a", "b"), 4)]
    assert "Seeds of all runs are pooled" in page_of(together)


def test_the_same_trial_in_two_runs_counts_once_where_they_are_pooled() -> None:
    first = trials({"all": (1.0, 2.0)}, run="a").assign(status=["ok", "failed"])
    frame = pd.concat([first, trials({"all": (1.0, 2.0)}, run="b")])
    together = analysed(["a", "b"], frame, Analysis(metrics=("rank",), pool=True))
    [cell] = together.parts[0].cells
    assert (sorted(cell.values), cell.missing, together.repeats) == ([1.0, 2.0], 0, 2)
    assert "2 trials of the same key in another run count once" in page_of(together)


VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 1.0, -1.0, 1e308, -1e308, 5e-324])
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["m1", "m2", "m3"]),
            st.sampled_from([None, 0.0, 0.5, 1.0, 2.0, 3.0]),
            st.integers(0, 3),
            VALUES,
            st.sampled_from(["ok", "ok", "ok", "failed", "oom"]),
        ),
        min_size=1,
        max_size=16,
    ),
    st.sampled_from(["none", "iqr", "zscore"]),
    st.booleans(),
)
def test_any_table_gives_a_page(rows: list[tuple[Any, ...]], rule: str, absolute: bool) -> None:
    sizes = {"m1": 1_000, "m2": 20_000, "m3": pd.NA}
    frame = pd.DataFrame(
        [
            {
                "run": "a",
                "trial": f"t{n}",
                "model": model,
                "params": sizes[model],
                "status": status,
                "seed": seed,
                "method": "none" if level is None else "mult_gauss",
                "group": None if level is None else "all",
                "level": math.nan if level is None else level,
                "rank": value if status == "ok" else math.nan,
            }
            for n, (model, level, seed, value, status) in enumerate(rows)
        ]
    ).astype({"params": "Int64"})
    made = of(frame, filter_method=rule, absolute=absolute, weighted=True, exponent=0.5)
    page = markdown(made)
    assert page.startswith("# Report on a")
    for cell in made.parts[0].cells:
        finite = [value for value in cell.values if math.isfinite(value)]
        assert cell.before.n == len(finite)
        assert cell.after.n == cell.before.n - len(cell.removed)
        assert math.isnan(cell.after.mean) == (not cell.kept)


def test_no_trial_at_all_is_a_reason() -> None:
    with pytest.raises(LesionError, match="no finished trial"):
        of(trials(MECHANISM).iloc[:0])
