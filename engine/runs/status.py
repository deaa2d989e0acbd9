"""What a run is doing, derived from its lock and its last events: the same live, finished or on another host."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from engine import files
from engine.record.directory import EVENTS, STOP, TRIALS
from engine.record.events import Event, StartEvent, StateEvent, read_event
from engine.record.lines import complete_lines, last_line
from engine.record.records import read_line
from engine.record.trials import TrialRecord
from engine.runs import lock

State = Literal["running", "stopping", "done", "stopped", "failed", "crashed"]

FINAL = ("done", "stopped", "failed")
ENDED = (*FINAL, "crashed")
"""States in which no runner is at work."""

# The events that say where a run stands; the rest (memory, progress) are many and need no parsing for that.
_LANDMARK = re.compile(rb'"event": ?"(started|resumed|state)"')


@dataclass(frozen=True)
class RunStatus:
    """Where a run stands. `crashed`: nobody runs it, and whoever did last had no time to say how it ended."""

    state: State
    total: int
    """Trials of the profile; 0 while unknown, before the first start."""
    done: int
    ok: int
    failed: int
    oom: int
    started: float | None
    """Unix seconds of the first start."""
    seconds: float
    """Time spent running so far, over all starts."""
    text: str
    """What there is to say about the state: the reason of a failure, how a crash is mended; often empty."""
    life_started: float | None = None
    """Unix seconds of the last start."""
    life_done: int = 0
    """Trials finished since the last start."""
    fault: str = ""
    """What of the run's files cannot be read, or does not count: the first of it."""
    imported: int = 0
    """Trials that another program made."""


@dataclass
class Tally:
    """What is counted from records and events, one by one, to arrive at a status."""

    total: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"ok": 0, "failed": 0, "oom": 0})
    started: float | None = None
    life_started: float | None = None
    done_before: int = 0
    seconds_before: float = 0.0
    last: float = 0.0
    state: str | None = None
    text: str = ""
    fault: str = ""
    imported: int = 0

    def add_trial(self, record: TrialRecord) -> None:
        """Count one trial."""
        self.counts[record.status] += 1
        self.imported += record.imported is not None

    def add_event(self, event: Event) -> None:
        """Take note of one event, in order."""
        self.last = float(event.t)
        if isinstance(event, StartEvent):
            self.started = self.started or self.last
            self.life_started = self.last
            self.total, self.done_before, self.seconds_before = event.total, event.done, float(event.seconds)
            self.state, self.text = None, ""
        elif isinstance(event, StateEvent):
            self.state, self.text = event.state, event.text or ""

    def blame(self, path: Path, reason: str) -> None:
        """Take note of a line that does not count, the first one only."""
        self.fault = self.fault or f"{path.name} has a line that {reason}"

    def seconds(self, until: float) -> float:
        """Time spent running over all lives, the present or last one counted up to the Unix time `until`."""
        if self.life_started is None:
            return self.seconds_before
        return self.seconds_before + max(0.0, until - self.life_started)


def status(run: Path) -> RunStatus:
    """Where the run stands now. Raises LesionError when its files cannot be read."""
    return judge(run, tally(run))


def tally(run: Path) -> Tally:
    """Count a run's files from the start, without parsing the events that do not matter."""
    counted = Tally()
    seen = set()
    for line, _ in complete_lines(run / TRIALS):
        record, reason = read_line(line, TrialRecord)
        if record is None:
            counted.blame(run / TRIALS, reason)
        elif record.trial not in seen:
            seen.add(record.trial)
            counted.add_trial(record)
    for line, _ in complete_lines(run / EVENTS):
        if _LANDMARK.search(line):
            _count_event(run, line, counted)
    last, _ = read_event(last_line(run / EVENTS))
    counted.last = float(last.t) if last else counted.last
    return counted


def _count_event(run: Path, line: bytes, counted: Tally) -> None:
    event, reason = read_event(line)
    if event is None:
        counted.blame(run / EVENTS, reason)
    else:
        counted.add_event(event)


def judge(run: Path, counted: Tally) -> RunStatus:
    """The status that follows from what was counted and from whether a runner holds the run."""
    alive = counted.state not in FINAL and lock.is_held(run)
    done = sum(counted.counts.values())
    if counted.total:
        done = min(done, counted.total)
    state, text = _state(run, counted, alive)
    return RunStatus(
        state,
        counted.total,
        done,
        **counted.counts,
        started=counted.started,
        seconds=counted.seconds(time.time() if alive else counted.last),
        text=text,
        life_started=counted.life_started,
        life_done=max(0, done - counted.done_before),
        fault=counted.fault,
        imported=counted.imported,
    )


def eta(status: RunStatus, now: float) -> float | None:
    """Seconds until the run is done, at the rate since its last start; None before a trial ended or when idle."""
    if status.state not in ("running", "stopping") or not status.life_done or status.life_started is None:
        return None
    return (status.total - status.done) * max(0.0, now - status.life_started) / status.life_done


def _state(run: Path, counted: Tally, alive: bool) -> tuple[State, str]:
    if counted.state in FINAL:
        return cast(State, counted.state), counted.text
    if alive:
        return ("stopping" if counted.state == "stopping" or files.is_present(run / STOP) else "running"), counted.text
    if counted.life_started is None:
        return "stopped", f"not started: lesion resume {run.name} starts it"
    return (
        "crashed",
        f"its runner ended without a word (killed, or the host went down): lesion resume {run.name} goes on",
    )
