"""The tidy table: its columns, and each trial's change from its own baseline."""

import math

import pytest

from engine import analysis
from tests.analysis.conftest import MakeRun, record


def test_columns_are_exactly_those_of_the_design(make_run: MakeRun) -> None:
    run = make_run(
        record(0, baseline=True, metrics={"perplexity": 10.0, "nll": 2.0}),
        record(1, metrics={"perplexity": 15.0, "nll": 1.5}),
    )
    frame = analysis.table(run)
    assert list(frame.columns) == [
        "run", "trial", "model", "params", "method", "group", "level", "seed", "status",
        "part", "layer", "layers", "heads", "experts", "select", "score", "options", "before", "then",
        "perplexity", "nll", "perplexity_change_pct", "nll_change_pct",
    ]  # fmt: skip
    baseline, damaged = frame.to_dict("records")
    assert baseline["run"] == "20261121-1432-by-hand-0000"
    assert baseline["method"] == "none"
    assert math.isnan(baseline["level"])
    assert baseline["perplexity_change_pct"] == 0.0
    assert (damaged["params"], damaged["group"], damaged["level"]) == (35700, "attn_only", 0.5)
    assert damaged["perplexity_change_pct"] == 50.0
    assert damaged["nll_change_pct"] == -25.0


def test_change_is_from_the_baseline_of_the_same_model_and_seed(make_run: MakeRun) -> None:
    run = make_run(
        record(0, baseline=True, seed=42, metrics={"perplexity": 10.0}),
        record(1, baseline=True, seed=43, metrics={"perplexity": 40.0}),
        record(2, seed=42),
        record(3, seed=43),
        record(4, model="petri-60k", baseline=True, seed=42, metrics={"perplexity": 5.0}),
        record(5, model="petri-60k", seed=42),
        record(6, model="petri-60k", seed=43),  # this model's one baseline serves every seed
    )
    changes = analysis.table(run)["perplexity_change_pct"].tolist()
    assert changes == [0.0, 0.0, 100.0, -50.0, 0.0, 300.0, 300.0]


def test_change_is_nan_where_a_percentage_means_nothing(make_run: MakeRun) -> None:
    run = make_run(
        record(0, baseline=True, metrics={"kl": 1e-9, "stopped_eos": 0.0, "odd": "nan", "fine": -4.0}),
        record(1, metrics={"kl": 0.3, "stopped_eos": 0.5, "odd": 1.0, "fine": -2.0}),
        record(2, model="no-baseline"),
        record(3, model="two-baselines", baseline=True, seed=1),
        record(4, model="two-baselines", baseline=True, seed=2),
        record(5, model="two-baselines", seed=3),
    )
    rows = analysis.rows(run)
    for metric in ("kl", "stopped_eos", "odd"):
        assert math.isnan(rows[1][f"{metric}_change_pct"]), metric
    assert rows[1]["fine_change_pct"] == 50.0  # upwards, though the baseline is negative
    assert math.isnan(rows[2]["perplexity_change_pct"])
    assert math.isnan(rows[5]["perplexity_change_pct"])


def test_not_finite_and_failed_trials_keep_their_rows(make_run: MakeRun) -> None:
    run = make_run(
        record(0, baseline=True, metrics={"perplexity": 10.0}),
        record(1, metrics={"perplexity": "inf"}),
        record(2, metrics={"perplexity": "nan"}),
        record(3, status="oom", metrics={}),
    )
    frame = analysis.table(run)
    assert frame["perplexity"].tolist()[:2] == [10.0, math.inf]
    assert frame["perplexity_change_pct"].tolist()[1] == math.inf
    assert frame["perplexity"].isna().tolist() == [False, False, True, True]
    assert frame["status"].tolist() == ["ok", "ok", "ok", "oom"]
    assert analysis.rows(run)[3].get("perplexity") is None
    assert math.isnan(analysis.rows(run)[2]["perplexity"])


@pytest.mark.parametrize(
    ("layers", "shown"), [("0-5", "attn_only[0-5]"), ("last 4", "attn_only[last 4]"), ([1, 3], "attn_only[1,3]")]
)
def test_layers_keep_groups_apart(make_run: MakeRun, layers: str | list[int], shown: str) -> None:
    frame = analysis.table(make_run(record(0), record(1, layers=layers)))
    assert frame["group"].tolist() == ["attn_only", shown]


@pytest.mark.parametrize(
    ("narrowed", "shown"),
    [
        ({"layers": "0-5", "heads": [0, 2]}, "attn_only[0-5; heads 0,2]"),
        ({"heads": "last 2"}, "attn_only[heads last 2]"),
        ({"layers": [1], "experts": [3]}, "attn_only[1; experts 3]"),
    ],
)
def test_heads_and_experts_keep_groups_apart(
    make_run: MakeRun, narrowed: dict[str, str | list[int]], shown: str
) -> None:
    frame = analysis.table(make_run(record(0), record(1, **narrowed)))
    assert frame["group"].tolist() == ["attn_only", shown]


def test_rows_follow_the_grid_whatever_the_order_of_the_journal(make_run: MakeRun) -> None:
    run = make_run(record(2, seed=44), record(0, seed=42), record(1, seed=43))
    assert analysis.table(run)["seed"].tolist() == [42, 43, 44]


def test_several_runs_make_one_table_each_with_its_own_baselines(make_run: MakeRun) -> None:
    first = make_run(record(0, baseline=True, metrics={"perplexity": 10.0}), record(1), name="first")
    second = make_run(
        record(0, baseline=True, metrics={"perplexity": 40.0, "nll": 1.0}),
        record(1, metrics={"perplexity": 20.0, "nll": 3.0}),
        name="second",
    )
    frame = analysis.table([first, second])
    assert frame["run"].tolist() == ["first", "first", "second", "second"]
    assert frame["perplexity_change_pct"].tolist() == [0.0, 100.0, 0.0, -50.0]
    assert frame["nll"].isna().tolist() == [True, True, False, False]


def test_the_table_may_be_written_to(make_run: MakeRun) -> None:
    frame = analysis.table(make_run(record(0, baseline=True, metrics={"perplexity": 10.0}), record(1)))
    frame.loc[frame["level"].notna(), "perplexity"] = math.nan
    frame.loc[0, "group"] = "none"
    frame.loc[0, "layers"] = "0-5"
    assert frame["perplexity"].tolist()[0] == 10.0
    assert math.isnan(frame["perplexity"].tolist()[1])
    assert frame["layers"].tolist() == ["0-5", None]
    assert frame["heads"].tolist() == [None, None]


def test_a_run_without_trials_is_an_empty_table(make_run: MakeRun) -> None:
    assert len(analysis.table(make_run())) == 0


def test_a_metric_that_bears_the_name_of_another_column_is_told_apart_from_it(make_run: MakeRun) -> None:
    odd = {"level": 7.0, "status": 3.0, "perplexity_change_pct": 4.0, "perplexity": 20.0, "a.level": 1.0}
    run = make_run(record(0, baseline=True, metrics={"level": 14.0, "perplexity": 10.0}), record(1, metrics=odd))
    _, row = analysis.rows(run)
    assert (row["level"], row["status"], row["perplexity_change_pct"]) == (0.5, "ok", 100.0)
    assert (row["level (metric)"], row["status (metric)"], row["a.level"]) == (7.0, 3.0, 1.0)
    assert row["level (metric)_change_pct"] == -50.0
    assert row["perplexity_change_pct (metric)"] == 4.0
    frame = analysis.table(run)
    assert frame.columns.is_unique
    assert analysis.metric_names([row])[:3] == ["level (metric)", "status (metric)", "perplexity_change_pct (metric)"]
