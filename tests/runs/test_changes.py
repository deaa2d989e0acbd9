"""The signed change from the baseline in every record: which baseline it is from, and when there is none."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from engine import analysis
from engine.profile import trials, versions
from engine.profile.packs import packs
from engine.record.changes import Baselines, change_pct
from engine.record.events import TrialEvent
from engine.record.seeking import Seeker
from engine.record.trials import Status, TrialRecord
from engine.runs import Watch, create, manifest, read_profile, read_trials
from engine.runs.dispatch import Dispatcher, StopRequests
from engine.runs.executor import LocalExecutor
from engine.runs.journal import Journal
from engine.runs.places import Place
from tests.runs.conftest import fill, hello, small_profile, told


@pytest.mark.parametrize(
    ("metric", "value", "baseline", "expected"),
    [
        ("perplexity", 15.0, 10.0, 50.0),
        ("perplexity", 5.0, 10.0, -50.0),
        ("perplexity", 10.0, 10.0, 0.0),
        ("mean", -2.0, -4.0, 50.0),  # it rose
        ("mean", -6.0, -4.0, -50.0),
        ("mean", 3.0, -4.0, 175.0),
        ("near_zero", 1e-9, 1e-12, 99900.0),
        ("nearer", 1.0, 5e-324, None),  # a percentage beyond all numbers
        ("huge", 1e308, -1e308, None),
        ("zero", 1.0, 0.0, None),
        ("zero", 1.0, -0.0, None),
        ("none", 1.0, None, None),
        ("broken", 1.0, math.nan, None),
        ("broken", 1.0, math.inf, None),
        ("perplexity", math.inf, 10.0, math.inf),
        ("perplexity", -math.inf, 10.0, -math.inf),
        ("kl", 0.5, 1e-9, None),
        ("label.kl", 0.5, 1e-9, None),
    ],
)
def test_a_percentage_by_hand(metric: str, value: float, baseline: float | None, expected: float | None) -> None:
    change = change_pct(metric, value, baseline)
    assert change is expected or change == pytest.approx(expected, rel=1e-12)


def test_a_value_that_is_not_a_number_has_such_a_change() -> None:
    change = change_pct("perplexity", math.nan, 10.0)
    assert change is not None
    assert math.isnan(change)


def test_every_record_of_a_run_tells_its_change(finished: Path) -> None:
    """Against a computation of its own from the raw file, and against the table that is exported."""
    records = [json.loads(line) for line in (finished / "trials.jsonl").read_text().splitlines()]
    baselines = {record["seed"]: record["metrics"] for record in records if record["baseline"]}
    assert len(baselines) == 3  # texts are drawn: a baseline a seed
    for record in records:
        before = baselines[record["seed"]]
        expected = {
            name: None if name == "kl" or before[name] == 0 else (value - before[name]) / abs(before[name]) * 100
            for name, value in record["metrics"].items()
        }
        assert record["change_pct"] == expected
    damaged = [record for record in records if record["level"] == 2.0 and record["group"] == "mlp_only"]
    assert all(record["change_pct"]["perplexity"] > 100 for record in damaged)
    assert all(record["change_pct"]["token_accuracy"] < 0 for record in damaged)
    for record, row in zip(records, analysis.rows(finished), strict=True):
        for name, change in record["change_pct"].items():
            exported = row[f"{name}_change_pct"]
            assert math.isnan(exported) if change is None else exported == change


def test_numbers_that_are_not_finite_survive(run: Path) -> None:
    fill(run, 1, change_pct={"a": math.nan, "b": math.inf, "c": None, "d": -12.5})
    [record] = read_trials(run)
    [watched] = Watch(run).poll().trials
    for found in (record.change_pct, watched.change_pct):
        assert found is not None
        assert math.isnan(found["a"] or 0.0)
        assert (found["b"], found["c"], found["d"]) == (math.inf, None, -12.5)


def test_records_of_earlier_versions_are_read(run: Path) -> None:
    fill(run, 2)
    lines = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
    for line in lines:
        del line["change_pct"], line["threads"], line["error"]
    (run / "trials.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [record.change_pct for record in read_trials(run)] == [None, None]
    assert [row["perplexity_change_pct"] for row in analysis.rows(run)] == [0.0, pytest.approx(100 / 1.5)]


def made(model: str, seed: int, status: Status = "ok", *, baseline: bool = False) -> TrialRecord:
    metrics = {"nll": 10.0 * seed if baseline else 60.0} if status == "ok" else {}
    which: dict[str, Any] = {"trial": "k", "index": 0, "method": "none", "group": None, "level": None}
    return TrialRecord(model=model, seed=seed, baseline=baseline, status=status, metrics=metrics, **which)


def test_which_baseline_counts() -> None:
    known = [made("a", 1, baseline=True), made("a", 2, "oom", baseline=True), made("b", 3, baseline=True)]
    baselines = Baselines([*known, made("c", 1, "failed", baseline=True), made("d", 1)])
    assert baselines.changes(made("a", 1)) == {"nll": 500.0}
    assert baselines.changes(made("a", 2)) == {"nll": None}  # its own failed; that of another seed will not do
    assert baselines.changes(made("b", 7)) == {"nll": 100.0}  # nothing draws: the model's one baseline is every seed's
    assert baselines.changes(made("c", 1)) == {"nll": None}
    assert baselines.changes(made("d", 1)) == {"nll": None}
    assert baselines.changes(made("b", 3, "failed")) == {}


def test_no_damaged_model_runs_before_its_baselines_also_on_two_devices(tmp_path: Path) -> None:
    measure = [{"name": "perplexity", "documents": 1}]
    profile = small_profile(model={"names": ["petri-4k", "petri-16k"]}, measure=measure)
    run = create(profile, tmp_path, source=None)
    manifest.start(run, versions(profile), devices=["cpu", "cpu:1"], threads=1, trust_remote_code=False)
    profile = read_profile(run)
    two = [Place("cpu"), Place("cpu:1")]
    executor = LocalExecutor(two, lambda place: hello(profile, run, place), run / "worker.log", 600)
    journal = Journal(run)
    dispatcher = Dispatcher(
        run, packs(trials(profile, run)), Seeker([], []), 2, journal, executor, "cpu", journal.check
    )
    assert dispatcher.work(StopRequests(run)) == "done"
    journal.close()
    records = {record.trial: record for record in read_trials(run)}
    assert {record.device for record in records.values()} == {"cpu", "cpu:1"}
    assert all((record.change_pct or {})["nll"] is not None for record in records.values())
    ready = set()
    for event in told(run, TrialEvent):
        record = records[event.trial]
        if event.phase == "end" and record.baseline:
            ready.add(record.model)
        assert event.phase != "begin" or record.baseline or record.model in ready
