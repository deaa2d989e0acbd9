"""Any table of trials gives a report or a reason: nan, inf, one seed, one size, constant values, several runs."""

import json
import math
import warnings
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.analysis.figures import figures, undrawn
from engine.analysis.reports.files import as_plain, contents
from engine.analysis.reports.report import Report, analysed
from engine.errors import LesionError
from engine.profile import Analysis, Reference

QUICKLY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # a report takes a second: the first table that fails is told as it is
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SIZES = {"m1": 1_000, "org/m2": 20_000, "m3": 300_000, "$m_4$|x": pd.NA}
VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, 1.0, 1.0, 2.0, -1.0, 1e308, -1e308, 5e-324, math.nan, math.inf]),
)
LEVELS = {"none": [math.nan], "mult_gauss": [0.0, 0.5, 1.0, 1.5, 2.0], "uni_quant": [2.0, 4.0, 16.0, 64.0, 1024.0]}
MILD = st.one_of(
    st.floats(-1e6, 1e6), st.floats(1e-50, 1e90), st.sampled_from([0.0, 1.0, 1.0, 2.0, -1.0, math.nan, math.inf])
)


def trial(values: st.SearchStrategy[float]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Model, method, number of the level, group, run, two metrics and status."""
    return st.tuples(
        st.sampled_from(list(SIZES)),
        st.sampled_from(list(LEVELS)),
        st.integers(0, 4),
        st.sampled_from(["all", "attn_only[0-5; a_b *c* [d](e)]"]),
        st.sampled_from(["a", "b"]),
        values,
        values,
        st.sampled_from(["ok", "ok", "ok", "ok", "failed", "oom"]),
    )


CHOICES = st.fixed_dictionaries(
    {
        "filter_method": st.sampled_from(["none", "iqr", "zscore"]),
        "filter_metric": st.sampled_from([None, "perplexity", "gain"]),
        "absolute": st.booleans(),
        "weighted": st.booleans(),
        "pool": st.booleans(),
        "confidence": st.sampled_from([0.5, 0.95, 0.999]),
        "exponent": st.sampled_from([None, 0.35]),
    }
)
REFERENCE = Reference(name="elsewhere", metric="gain", params=5e6, value=3.0)


def table(trials: list[tuple[Any, ...]]) -> pd.DataFrame:
    rows = []
    for number, (model, method, level, group, run, first, second, status) in enumerate(trials):
        ok, damaged = status == "ok", method != "none"
        rows.append(
            {
                "run": run,
                "trial": f"t{number}",
                "model": model,
                "params": SIZES[model],
                "method": method,
                "group": group if damaged else None,
                "level": LEVELS[method][level % len(LEVELS[method])],
                "seed": number,
                "status": status,
                "perplexity": first if ok else math.nan,
                "gain": second if ok else math.nan,
            }
        )
    return pd.DataFrame(rows).astype({"params": "Int64"})


@settings(QUICKLY, max_examples=60)
@given(st.lists(trial(VALUES), min_size=1, max_size=40), CHOICES)
def test_any_table_gives_a_report_or_a_reason(trials: list[tuple[Any, ...]], chosen: dict[str, Any]) -> None:
    frame = table(trials)
    choices = Analysis(metrics=("perplexity", "gain"), references=(REFERENCE,), **chosen)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflow of squares within scipy: the results are checked
        try:
            made = analysed(["a", "b"], frame, choices)
        except LesionError:  # a reason in words
            return
        files = contents(made)
    check_cells(made, frame)
    check_laws(made)
    assert json.loads(files["report.json"]) == as_plain(made)  # no nan, no inf: both are words
    assert b"Traceback" not in files["report.md"]
    page = files["report.md"].decode()
    assert page.startswith("# Report on 2 runs")
    assert "[d](e)" not in page.replace("`attn_only[0-5; a_b *c* [d](e)]`", "")


def check_cells(made: Report, frame: pd.DataFrame) -> None:
    """Every trial is in exactly one cell, and every number is of finite values or none."""
    for part in made.parts:
        known = frame[frame["status"] == "ok"][part.metric].notna().any()
        told = sum(len(cell.values) + cell.missing for cell in part.cells)
        passed_over = {"none", "mult_gauss", "uni_quant"} - {cell.method for cell in part.cells}
        assert told == len(frame[~frame["method"].isin(passed_over)]) if known else told == 0
        for cell in part.cells:
            finite = [value for value in cell.values if math.isfinite(value)]
            assert cell.before.n == len(finite)
            assert cell.after.n == len(cell.kept) == len(finite) - len(cell.removed)
            assert math.isnan(cell.after.mean) == (not cell.kept)
            if cell.kept:
                assert cell.after.minimum <= cell.after.median <= cell.after.maximum
                assert cell.after.minimum <= cell.after.mean * (1 + 1e-12) or cell.after.mean < 0
            assert math.isnan(cell.after.sd) == (cell.after.n < 2)


def check_laws(made: Report) -> None:
    """A law has a reason or numbers, never half of them."""
    for law in (law for part in made.parts for law in part.laws):
        if law.law.fitted:
            assert len({point.params for point in law.points}) >= 3
            assert law.law.low <= law.law.exponent <= law.law.high
            assert set(law.predictions()) == {"7B", "12B", "13B", "70B", "175B", "1T"}
        else:
            assert law.law.note
            assert law.predictions() == {}
    for dose in (dose for part in made.parts for dose in part.doses):
        assert dose.curve.note or not math.isnan(dose.curve.half)


@settings(QUICKLY, max_examples=8)
@given(st.lists(trial(MILD), min_size=20, max_size=60), CHOICES)
def test_figures_of_any_table_are_drawn(trials: list[tuple[Any, ...]], chosen: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        made = analysed(["a", "b"], table(trials), Analysis(metrics=("perplexity", "gain"), **chosen))
        drawn = figures(made, ["svg"])
    for name, content in drawn.items():
        assert content.startswith(b"\x89PNG" if name.endswith(".png") else b"<?xml"), name


def test_values_beyond_every_axis_are_said_instead_of_drawn() -> None:
    trials = [("m1", "mult_gauss", level, "all", "a", 1e200, 2.0, "ok") for level in range(5)]
    made = analysed(["a"], table(trials), Analysis(metrics=("perplexity", "gain")))
    [reason] = undrawn(made)
    assert reason.startswith("there is no figure of perplexity: its values reach beyond 1e+100")
    assert not any("perplexity" in name for name in figures(made, ["svg"]))
