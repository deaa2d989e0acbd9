"""Counting bit by bit what grows, held against counting it all at once, and against the numbers that were written."""

import os
from pathlib import Path

import pytest

from engine.record.events import MemoryEvent, MemoryUse, StartEvent, StateEvent
from engine.record.lines import encode
from engine.runs.summaries import summaries
from engine.runs.tally import Counter, tally
from tests.analysis.conftest import record

EVENTS = [
    StartEvent(t=1.0, event="started", total=4000, pid=1).encode(),
    *(MemoryEvent(t=2.0, devices=(MemoryUse(name='a "event":"state" b', used=1, total=2),)).encode() for _ in range(3)),
    StateEvent(t=3.0, state="stopped", text='"event": "state" "event":"started"', seconds=2.0).encode(),
    StartEvent(t=10.0, event="resumed", total=4000, done=100, seconds=2.0, pid=2).encode(),
    MemoryEvent(t=19.0, devices=()).encode(),
]
STATUSES = ("ok", "ok", "failed", "oom")


def trials(count: int, start: int = 0) -> bytes:
    return b"".join(encode(record(place, status=STATUSES[place % 4])) for place in range(start, count))


@pytest.mark.parametrize("step", [80, 1500])  # below and above what is long
def test_a_growing_run_is_counted_bit_by_bit(tmp_path: Path, step: int) -> None:
    counter = Counter(tmp_path)
    assert counter.count() == tally(tmp_path)
    for round_, event in enumerate(EVENTS):
        with (tmp_path / "events.jsonl").open("ab") as file:
            file.write(encode(event))
        with (tmp_path / "trials.jsonl").open("ab") as file:
            file.write(trials(step * (round_ + 1), step * round_) + trials(1) + b"torn"[: round_ % 2] + b"\n")
        found = counter.count()
        assert found == tally(tmp_path)
        assert sum(found.counts.values()) == step * (round_ + 1)
    assert found.counts == {"ok": found.counts["failed"] * 2, "failed": found.counts["oom"], "oom": step * 7 // 4}
    assert (found.total, found.started, found.life_started, found.done_before) == (4000, 1.0, 10.0, 100)
    assert (found.state, found.last, found.seconds(found.last)) == (None, 19.0, 11.0)
    assert found.fault == "trials.jsonl has a line that is not a JSON object"
    (tmp_path / "trials.jsonl").write_bytes(trials(8))
    again = counter.count()
    assert again == tally(tmp_path)
    assert (again.counts, again.fault) == ({"ok": 4, "failed": 2, "oom": 2}, "")


def test_a_list_of_runs_counts_only_what_a_live_one_has_anew(tmp_path: Path) -> None:
    """Shown by what it does not notice: a line that was read is not read again."""
    run = tmp_path / "20260101-1000-live"
    run.mkdir()
    (run / "events.jsonl").write_bytes(encode(EVENTS[0]))
    (run / "trials.jsonl").write_bytes(trials(40))
    [before] = summaries(tmp_path)
    with (run / "trials.jsonl").open("r+b") as file:
        file.write(b"#" * 10)
        file.seek(0, os.SEEK_END)
        file.write(trials(44, 40))
    [after] = summaries(tmp_path)
    assert (before.done, after.done) == (40, 44)
    assert "trials.jsonl" not in (after.fault or "")
    for name in ("events.jsonl", "trials.jsonl"):
        os.utime(run / name, (1e9, 1e9))
    [settled] = summaries(tmp_path)
    assert settled.done == 43
