"""Run directories whose files hold what Lesion never wrote: each is listed with its reason, and none hides another."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine import runs
from engine.errors import LesionError
from engine.record.directory import find
from engine.record.events import StartEvent, StateEvent
from engine.runs.status import status
from engine.runs.summaries import summaries
from engine.runs.watch import Watch
from tests.analysis.conftest import record

STARTED = StartEvent(t=1.0, event="started", total=2, host="h").encode()
DONE = StateEvent(t=9.0, state="done").encode()
PROFILE = '[model]\nnames = ["petri-16k"]\n[[damage]]\nmethod = "ablation"\n'


def make(results: Path, name: str, events: list[Any], trials: list[Any], profile: str = "") -> Path:
    """A run's files, long settled. Lines given as text are written as they are."""
    run = results / f"20261121-1432-{name}-0000"
    run.mkdir(parents=True)
    (run / "profile.toml").write_text(profile or f'name = "{name}"\n{PROFILE}')
    for file, lines in (("events.jsonl", events), ("trials.jsonl", trials)):
        (run / file).write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in lines))
    for path in run.iterdir():
        os.utime(path, (1e9, 1e9))
    return run


EVENTS = [
    STARTED | {"t": 1e30},
    STARTED | {"t": float("nan")},
    STARTED | {"t": "soon"},
    STARTED | {"t": 10**400},
    {"event": "started", "total": 2},
    STARTED | {"total": float("inf")},
    STARTED | {"total": "many"},
    STARTED | {"total": None},
    STARTED | {"total": -1},
    STARTED | {"done": []},
    STARTED | {"seconds": float("nan")},
    {"t": 9.0, "event": "state", "state": None},
    {"t": 9.0, "event": "state", "state": "done", "text": {}},
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: json.dumps(event)[:60])
def test_an_event_that_cannot_be_is_the_reason_and_nothing_else_is_lost(tmp_path: Path, event: dict[str, Any]) -> None:
    run = make(tmp_path, "odd", [STARTED, event, DONE], [record(0), record(1)])
    make(tmp_path, "good", [STARTED, DONE], [record(0)])
    for _ in range(2):  # counted, then from the cache beside the run
        odd, good = sorted(summaries(tmp_path), key=lambda one: one.name, reverse=True)
        assert "without a usable" in (odd.fault or "")
        assert (odd.state, odd.done, odd.total) == ("done", 2, 2)
        assert (good.state, good.fault) == ("done", None)
    assert status(run).fault == odd.fault
    seen = Watch(run).poll()
    assert (len(seen.trials), len(seen.events), seen.status.fault) == (2, 2, odd.fault)


def test_unknown_events_and_fields_are_no_fault(tmp_path: Path) -> None:
    run = make(tmp_path, "new", [STARTED | {"colour": "red"}, {"t": 2.0, "event": "eclipse", "at": [1]}, DONE], [])
    assert status(run).fault == ""
    assert [event.event for event in Watch(run).poll().events] == ["started", "eclipse", "state"]


RECORDS: list[tuple[dict[str, Any], str]] = [
    ({"metrics": None}, "'metrics'"),
    ({"metrics": {"perplexity": "much"}}, "a metric 'perplexity' that is no number"),
    ({"metrics": {"perplexity": {}}}, "a metric 'perplexity' that is no number"),
    ({"metrics": {"perplexity": 10**400}}, "a metric 'perplexity' that is no number"),
    ({"level": 10**400}, "'level'"),
    ({"level": float("nan")}, "'level'"),
    ({"level": True}, "'level'"),
    ({"seed": 10**30}, "'seed'"),
    ({"index": -1}, "'index'"),
    ({"status": "fine"}, "'status'"),
    ({"parameters": "many"}, "'parameters'"),
    ({"parameters": 10**400}, "'parameters'"),
    ({"seconds": "long"}, "'seconds'"),
    ({"seconds": float("inf")}, "'seconds'"),
    ({"peak_bytes": []}, "'peak_bytes'"),
    ({"layers": {"a": 1}}, "'layers'"),
    ({"heads": [[1]]}, "'heads'"),
    ({"select": {"by": 3}}, "'by' in 'select'"),
    ({"select": {"by": "given", "coordinates": 3}}, "'coordinates' in 'select'"),
    ({"select": "top_k"}, "'select'"),
    ({"options": 3}, "'options'"),
    ({"error": {}}, "'error'"),
    ({"artifacts": {"a": 1}}, "'artifacts'"),
    ({"change_pct": {"perplexity": "up"}}, "'change_pct'"),
]


@pytest.mark.parametrize(("changed", "reason"), RECORDS, ids=lambda value: str(value)[:40])
def test_a_record_that_cannot_be_is_named(tmp_path: Path, changed: dict[str, Any], reason: str) -> None:
    run = make(tmp_path, "odd", [STARTED, DONE], [record(0), {**record(1), **changed}])
    [listed] = summaries(tmp_path)
    assert reason in (listed.fault or "")
    assert (listed.state, listed.done) == ("done", 1)
    with pytest.raises(LesionError, match=r"line 2, has ") as refused:
        runs.read_trials(run)
    assert reason in str(refused.value)
    kept, faults = runs.read_tolerant(run)
    assert (len(kept), len(faults)) == (1, 1)
    assert len(Watch(run).poll().trials) == 1


def test_a_metric_that_is_null_was_not_measured(tmp_path: Path) -> None:
    run = make(tmp_path, "null", [STARTED, DONE], [record(0) | {"metrics": {"nll": None, "kl": 2**60, "hit": True}}])
    [read] = runs.read_trials(run)
    assert read.metrics == {"kl": float(2**60), "hit": 1.0}
    assert {type(value) for value in read.metrics.values()} == {float}


CACHES = [
    "",
    "[]",
    '{"v": 2}',
    {"total": None},
    {"total": float("inf")},
    {"counts": None},
    {"counts": {"ok": "all"}},
    {"counts": {"ok": 1, "failed": 0, "oom": 0, "lost": 3}},
    {"started": 1e30},
    {"last": "today"},
    {"state": 3},
    {"colour": "red"},
]


@pytest.mark.parametrize("odd", CACHES, ids=str)
def test_an_odd_cache_is_not_believed(tmp_path: Path, odd: Any) -> None:
    run = make(tmp_path, "cached", [STARTED, DONE], [record(0)])
    [counted] = summaries(tmp_path)
    kept = json.loads((run / ".cache").read_text())
    kept["tally"] |= odd if isinstance(odd, dict) else {}
    # A run of the same files elsewhere, which this process has not seen: only what lies on disk tells of it.
    moved = tmp_path / "moved" / run.name
    moved.parent.mkdir()
    run.rename(moved)
    (moved / ".cache").write_text(json.dumps(kept) if isinstance(odd, dict) else odd)
    [again] = summaries(moved.parent)
    assert (again.state, again.done, again.total, again.fault) == ("done", 1, 2, None)
    assert counted.done == 1


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        ("a = " + "[" * 5000, "too many brackets"),
        (".".join("a" * 20_000) + " = 1", "too many parts of a key"),
        ("name = 3\nmodel = 4\n", "is damaged"),
        ("name = 'x'\n[model]\nnames = 3\n", "is damaged"),
        ("name = 'x'\n", "'model' is missing"),
        ("\x00", "is damaged"),
        ("n = " + "9" * 5000, "is damaged"),
    ],
    ids=["deep", "dotted", "no table", "no list", "short", "NUL", "digits"],
)
def test_a_profile_that_cannot_be_is_the_reason(tmp_path: Path, profile: str, reason: str) -> None:
    make(tmp_path, "odd", [], [], profile)
    make(tmp_path, "good", [STARTED, DONE], [])
    faults = {one.path.name[14:17]: one.fault for one in summaries(tmp_path)}
    assert reason in (faults["odd"] or "")
    assert faults["goo"] is None


def test_a_run_of_the_far_future_is_found(tmp_path: Path) -> None:
    run = make(tmp_path, "late", [STARTED, DONE], [])
    plain = run.rename(tmp_path / "late")
    try:
        os.utime(plain / "profile.toml", (3e11, 3e11))
    except OSError:
        pytest.skip("this file system keeps no such times")
    assert find("last", tmp_path) == plain


def test_what_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    """Content that changes while size, time and inode stay is not seen: so nothing was read."""
    run = make(tmp_path, "same", [STARTED, DONE], [record(0)])
    [first] = summaries(tmp_path)
    for name, old, new in (("profile.toml", "same", "else"), ("trials.jsonl", '"ok"', '"no"')):
        path = run / name
        content = path.read_text().replace(old, new)
        with path.open("r+") as file:
            file.write(content)
        os.utime(path, (1e9, 1e9))
    (run / ".cache").unlink()
    assert summaries(tmp_path) == [first]
    assert not (run / ".cache").exists()
    os.utime(run / "profile.toml", (1e9 + 1, 1e9 + 1))
    [again] = summaries(tmp_path)
    assert (again.name, again.done) == ("else", 0)
