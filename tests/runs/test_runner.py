"""Real runners with real workers: what ends up on the disk, and how a run is started, stopped and started again."""

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine import catalog
from engine.errors import LesionError
from engine.profile import trials
from engine.record.events import (
    Event,
    LoadedEvent,
    MemoryEvent,
    ModelEvent,
    StartEvent,
    StateEvent,
    TrialEvent,
    WorkerEvent,
)
from engine.record.lines import encode
from engine.record.trials import TrialRecord
from engine.runs import (
    Watch,
    create,
    find,
    read_generations,
    read_manifest,
    read_profile,
    read_trials,
    start,
    status,
    stop,
    summaries,
)
from engine.runs.replay import verify
from tests.runs.conftest import endless_profile, lasting, resume, told, trials_done, wait, worker_of


def test_an_undisturbed_run(finished: Path) -> None:
    grid = trials(read_profile(finished), finished)
    records = read_trials(finished)
    assert [record.trial for record in records] == [trial.key for trial in grid]
    assert len(records) == 30
    assert {record.status for record in records} == {"ok"}
    assert len(read_generations(finished)) == 30 * 8
    found = status(finished)
    assert (found.state, found.total, found.done, found.ok, found.life_done) == ("done", 30, 30, 30, 30)
    assert find("last", finished.parent) == finished
    [line] = summaries(finished.parent)
    assert (line.state, line.done, line.fault) == ("done", 30, None)
    left = {path.name for path in finished.iterdir()} - {".cache"}
    assert left == {
        "profile.toml",
        "manifest.json",
        "trials.jsonl",
        "generations.jsonl",
        "events.jsonl",
        "worker.log",
        "runner.log",
        "lock.1",
        "report.md",
        "report.json",
    }


def test_what_an_undisturbed_run_tells(finished: Path) -> None:
    manifest = read_manifest(finished)
    model = manifest["models"]["petri-16k"]
    assert len(model["digest"] or "") == 64
    assert model["parameters"] == catalog.model("petri-16k").parameters
    assert {"torch", "transformers", "numpy"} <= manifest["packages"].keys()
    assert manifest["devices"] == ["cpu"]
    assert (manifest["threads"], manifest["trust_remote_code"], len(manifest["started"])) == (1, False, 1)
    events = Watch(finished).poll().events
    first, last = events[0], events[-1]
    assert isinstance(first, StartEvent)
    assert (first.event, first.total) == ("started", 30)
    assert isinstance(last, StateEvent)
    assert last.state == "done"
    assert [event.state for event in events if isinstance(event, ModelEvent)] == ["loading", "ready"]
    steps = [event for event in events if isinstance(event, TrialEvent)]
    assert [event.index for event in steps if event.phase == "end"] == list(range(30))
    main = [event.devices[0] for event in events if isinstance(event, MemoryEvent)]
    assert main[0].name == "RAM"
    assert 0 < main[0].used < main[0].total
    assert max(ram.worker or 0 for ram in main) > 50_000_000
    assert sum(event.phase == "progress" for event in steps) <= 1 + (last.t - first.t) / 0.5


def test_a_run_that_is_done_stays_as_it_is(finished: Path) -> None:
    before = lasting(finished)
    resume(finished)
    assert lasting(finished) == before


def test_crash_between_texts_and_trial_line(finished: Path, fresh: Path) -> None:
    """The files as a crash leaves them in that instant, with the next line torn for good measure."""
    texts = (finished / "generations.jsonl").read_bytes().splitlines(keepends=True)
    records = (finished / "trials.jsonl").read_bytes().splitlines(keepends=True)
    (fresh / "generations.jsonl").write_bytes(b"".join(texts[: 21 * 8 + 5]) + texts[21 * 8 + 5][:40])
    (fresh / "trials.jsonl").write_bytes(b"".join(records[:20]) + records[20][:30])
    resume(fresh)
    assert lasting(fresh) == lasting(finished)


def test_two_runners_do_not_share_a_run(fresh: Path) -> None:
    first = start(fresh)
    with pytest.raises(LesionError, match=rf"{fresh.name} is being run by process {first.pid} on host"):
        start(fresh)
    assert status(fresh).state == "running"
    stop(fresh, now=True)
    assert first.wait() == 0


def test_stop_finishes_the_trial_and_resume_goes_on(finished: Path, fresh: Path) -> None:
    process = start(fresh)
    wait(fresh, trials_done(3))
    stop(fresh)
    assert process.wait() == 0
    found = status(fresh)
    assert found.state == "stopped"
    assert 3 <= found.done < 30
    begun = [event.trial for event in told(fresh, TrialEvent) if event.phase == "begin"]
    assert [record.trial for record in read_trials(fresh)] == begun  # what was begun was finished
    assert "stopping" in [event.state for event in told(fresh, StateEvent)]
    assert not (fresh / "stop").exists()
    resume(fresh)
    assert lasting(fresh) == lasting(finished)
    kinds = [event.event for event in told(fresh, StartEvent)]
    assert (kinds.count("started"), kinds.count("resumed")) == (1, 1)
    assert status(fresh).seconds > found.seconds
    assert status(fresh).life_done == 30 - found.done


def test_sigterm_finishes_the_trial_and_sighup_is_nothing(fresh: Path) -> None:
    process = start(fresh)
    process.send_signal(signal.SIGHUP)
    wait(fresh, trials_done(2))
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    assert status(fresh).state == "stopped"
    begun = [event.trial for event in told(fresh, TrialEvent) if event.phase == "begin"]
    assert [record.trial for record in read_trials(fresh)] == begun


def test_stop_now_leaves_the_trial_unrecorded(tmp_path: Path) -> None:
    """In the middle of a trial of minutes."""
    run = create(endless_profile(), tmp_path, source=None)
    process = start(run)
    wait(run, ready(1))
    worker = psutil.Process(worker_of(run))
    stop(run, now=True)
    assert process.wait() == 0
    assert status(run).state == "stopped"
    assert read_trials(run) == []
    assert not worker.is_running()


def ready(times: int) -> Callable[[Watch, list[TrialRecord], list[Event]], bool]:
    """Whether a model has been loaded this often."""
    return lambda watch, found, events: sum(isinstance(event, LoadedEvent) for event in events) == times


def begun(events: list[Event]) -> set[str]:
    """The trials that workers have turned to."""
    return {event.trial for event in events if isinstance(event, TrialEvent) and event.phase == "begin"}


def test_workers_lost_on_one_trial(tmp_path: Path) -> None:
    """Two workers killed on the first trial of minutes: it is recorded as failed, and the run goes on."""
    run = create(endless_profile(), tmp_path, source=None)
    process = start(run)
    for kill in (1, 2):
        wait(run, ready(kill))
        os.kill(worker_of(run), signal.SIGSEGV if kill == 1 else signal.SIGKILL)
    wait(run, trials_done(1))
    wait(run, lambda watch, found, events: len(begun(events)) == 2)
    stop(run, now=True)
    assert process.wait() == 0
    [record] = read_trials(run)
    assert (record.status, record.metrics, record.index) == ("failed", {}, 0)
    assert re.search(r"the worker on cpu was killed by SIGKILL .*number 2 lost on this trial", record.error or "")
    lost = [event.text or "" for event in told(run, WorkerEvent) if event.state == "lost"]
    assert "SIGSEGV" in lost[0]
    assert "SIGKILL" in lost[1]
    assert status(run).failed == 1


def test_other_weights_under_the_same_name_end_the_run(finished: Path, fresh: Path) -> None:
    manifest = read_manifest(fresh)
    manifest["models"] = {"petri-16k": {"digest": "0" * 64, "dtype": "float32"}}
    (fresh / "manifest.json").write_text(json.dumps(manifest))
    assert start(fresh).wait() == 1
    assert status(fresh).state == "failed"
    assert "the weights of model petri-16k are not those" in status(fresh).text
    assert read_trials(fresh) == []


def test_other_draws_are_refused(fresh: Path) -> None:
    (fresh / "manifest.json").write_text(json.dumps({"v": 1, "draw_version": 0}))
    with pytest.raises(LesionError, match="made with version 0 of the random draws"):
        start(fresh)


def test_a_corrupt_journal_is_not_gone_on_with(finished: Path, fresh: Path) -> None:
    records = (finished / "trials.jsonl").read_bytes().splitlines(keepends=True)
    (fresh / "trials.jsonl").write_bytes(records[0] + b"{\n" + records[2])
    with pytest.raises(LesionError, match=r"trials\.jsonl, line 2, is not a JSON object: delete that line"):
        start(fresh)
    assert (fresh / "trials.jsonl").read_bytes() == records[0] + b"{\n" + records[2]


def test_the_terminal_may_be_anywhere(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with modules of its own that share names with ours and the library's does not confuse a run."""
    for name in ("engine.py", "random.py", "json.py"):
        (tmp_path / name).write_text("raise RuntimeError('not this one')\n")
    monkeypatch.chdir(tmp_path)
    process = start(Path("results") / fresh.name)
    wait(fresh, trials_done(1))
    stop(fresh, now=True)
    assert process.wait() == 0


def test_a_repetition_is_verified(finished: Path, tmp_path: Path) -> None:
    again = create(read_profile(finished), tmp_path, source=finished / "profile.toml")
    resume(again)
    found = verify(finished, again)
    assert (found.equal, found.exact_expected, found.reasons, found.differences) == (True, True, [], [])
    assert (found.trials, found.texts) == (30, 240)
    records = [json.loads(line) for line in (again / "trials.jsonl").read_text().splitlines()]
    records[3]["metrics"]["nll"] *= 1 + 1e-12
    (again / "trials.jsonl").write_bytes(b"".join(map(encode, records[:-1])))
    texts = (again / "generations.jsonl").read_bytes().splitlines(keepends=True)
    changed = json.loads(texts[2])
    changed["text"] += "!"
    (again / "generations.jsonl").write_bytes(b"".join([*texts[:2], encode(changed), *texts[3:]]))
    found = verify(finished, again)
    assert [(each.trial, each.what) for each in found.differences] == [
        (read_trials(finished)[-1].trial, "trial"),
        (records[3]["trial"], "nll"),
        (records[0]["trial"], "generation text 2"),
    ]
    manifest = read_manifest(again)
    manifest["packages"]["torch"] = "1.0"
    (again / "manifest.json").write_text(json.dumps(manifest))
    found = verify(finished, again)
    assert not found.exact_expected
    assert found.reasons == [f"torch differs: {read_manifest(finished)['packages']['torch']} and 1.0"]
    assert "nll" not in [each.what for each in found.differences]  # within the tolerance
