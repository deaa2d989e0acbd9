"""What a run is doing, as told by its lock and its events alone."""

import os
import time
from pathlib import Path
from typing import Literal

from engine.record.events import MemoryEvent, MemoryUse, StartEvent, WarningEvent
from engine.record.lines import encode
from engine.runs import RunStatus, Watch, eta, status, summaries
from engine.runs.journal import Journal
from tests.analysis.conftest import record
from tests.runs.conftest import fill, hold, text_records, trial_record


def begin(run: Path, kind: Literal["started", "resumed"] = "started", *, seconds: float = 0.0) -> None:
    journal = Journal(run)
    journal.note(StartEvent(event=kind, total=7, seconds=seconds, pid=1, host="here"))
    journal.close()


def test_states(run: Path) -> None:
    assert status(run).state == "stopped"
    assert status(run).text.startswith("not started")
    begin(run)
    process = hold(run)
    assert status(run).state == "running"
    (run / "stop").write_bytes(b"finish\n")
    assert status(run).state == "stopping"
    (run / "stop").unlink()
    process.kill()
    process.wait()
    assert status(run).state == "crashed"
    assert f"lesion resume {run.name}" in status(run).text
    begin(run, "resumed")
    journal = Journal(run)
    journal.end("failed", "no room", 12.5)
    journal.close()
    assert (status(run).state, status(run).text) == ("failed", "no room")
    before = time.time()
    begin(run, "resumed", seconds=12.5)
    journal = Journal(run)
    journal.end("done", "", 20.0)
    journal.close()
    assert status(run).state == "done"
    assert 12.5 <= status(run).seconds <= 12.5 + time.time() - before + 0.01  # times are kept in milliseconds


def test_counts(run: Path) -> None:
    begin(run)
    grid = fill(run, 2)
    journal = Journal(run)
    journal.commit(trial_record(grid[2], status="oom", error='"status":"failed"'), [])
    journal.commit(trial_record(grid[3], status="failed", metrics={}), [])
    found = status(run)
    assert (found.total, found.done, found.ok, found.failed, found.oom) == (7, 4, 2, 1, 1)
    assert (found.life_done, eta(found, time.time())) == (4, None)  # nobody runs it
    journal.note(StartEvent(event="resumed", total=7, done=4, seconds=1.0, pid=1, host="here"))
    journal.commit(trial_record(grid[4]), [])
    journal.close()
    assert status(run).life_done == 1


def test_eta_is_from_the_rate_of_this_life() -> None:
    now = 1000.0
    running = RunStatus("running", 100, 60, 60, 0, 0, 0.0, 900.0, "", life_started=now - 20, life_done=10)
    assert eta(running, now) == 80.0  # 2 s a trial, 40 to go
    assert eta(RunStatus("running", 100, 50, 50, 0, 0, 0.0, 900.0, "", life_started=now, life_done=0), now) is None


def test_watch_brings_each_thing_once(run: Path) -> None:
    watch = Watch(run)
    assert watch.poll().trials == []
    begin(run)
    grid = fill(run, 2)
    first = watch.poll()
    assert [record.trial for record in first.trials] == [trial.key for trial in grid[:2]]
    assert [event.event for event in first.events] == ["started"]
    assert first.status == status(run)
    with (run / "trials.jsonl").open("ab") as file:
        file.write(b'{"v":1,"trial":"to')
    assert watch.poll().trials == []
    Journal(run).close()  # a resume cuts the torn line off
    journal = Journal(run)
    journal.commit(trial_record(grid[2], metrics={"perplexity": float("inf")}), text_records(grid[2]))
    journal.note(WarningEvent(text="x"))
    journal.close()
    second = watch.poll()
    assert [record.metrics for record in second.trials] == [{"perplexity": float("inf")}]
    assert [event.event for event in second.events] == ["warning"]
    assert second.status.done == 3
    assert (watch.poll().trials, watch.poll().events) == ([], [])


def test_watch_passes_over_old_samples_of_a_long_run(run: Path) -> None:
    journal = Journal(run)
    journal.note(StartEvent(event="started", total=7, pid=1, host="here"))
    for _ in range(200):
        journal.note(MemoryEvent(devices=(MemoryUse(name="x" * 20_000, used=1, total=2),)))
    journal.note(WarningEvent(text="late"))
    journal.close()
    events = [event.event for event in Watch(run).poll().events]
    assert events[0] == "started"
    assert events[-1] == "warning"
    assert 90 < events.count("memory") < 120  # two of four megabytes
    assert Watch(run).poll().status.total == 7


def test_watch_passes_over_old_trials_of_a_long_run(run: Path) -> None:
    """They are counted; only the last ones are brought, and then each new one."""
    begin(run)
    statuses = [("ok", "ok", "failed", "oom")[place % 4] for place in range(12_000)]
    lines = [encode(record(place, status=status)) for place, status in enumerate(statuses)]
    journal = run / "trials.jsonl"
    journal.write_bytes(lines[0] + b"odd\n" + b"".join(lines[1:]) + lines[7])
    watch = Watch(run)
    first = watch.poll()
    assert 2**21 * 0.9 < sum(len(encode(one.encode())) for one in first.trials) <= 2**21
    assert [one.index for one in first.trials] == list(range(12_000 - len(first.trials), 12_000))
    assert (first.status.ok, first.status.failed, first.status.oom) == (6000, 3000, 3000)
    assert first.status == status(run)
    assert first.status.fault == "trials.jsonl has a line that is not a JSON object"
    with journal.open("ab") as file:
        file.write(lines[3] + encode(record(12_000)))
    second = watch.poll()
    assert [one.index for one in second.trials] == [12_000]
    assert second.status.ok == 6001


def test_summaries_with_and_without_the_cache(run: Path) -> None:
    begin(run)
    fill(run, 3)
    journal = Journal(run)
    journal.end("stopped", "", 5.0)
    journal.close()
    [fresh] = summaries(run.parent)
    assert not (run / ".cache").exists()  # it may be growing still
    for path in run.iterdir():
        os.utime(path, (1e9, 1e9))
    [counted] = summaries(run.parent)
    assert (run / ".cache").exists()
    assert counted == fresh
    [cached] = summaries(run.parent)
    assert counted == cached
    assert (counted.state, counted.total, counted.done, counted.ok) == ("stopped", 7, 3, 3)
    assert (counted.name, counted.models, counted.methods, counted.fault) == (
        "small",
        ("petri-16k",),
        ("mult_gauss",),
        None,
    )
    (run / ".cache").write_text('{"v": 1, "stamp": "rubbish"')
    assert summaries(run.parent) == [counted]
    fill(run, 5)
    assert summaries(run.parent)[0].done == 5  # three of them appended again, and counted once


def test_a_run_that_never_started_is_summarised_with_its_plan(run: Path) -> None:
    [line] = summaries(run.parent)
    assert (line.state, line.total, line.done, line.started) == ("stopped", 7, 0, None)
