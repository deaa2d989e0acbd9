"""Counting what a run's files hold to arrive at a status; each time only what was added since."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from engine import files
from engine.record.directory import EVENTS, LONG, TRIALS
from engine.record.events import Event, PlanEvent, StartEvent, StateEvent, read_event
from engine.record.lines import complete_blocks, complete_lines, last_line
from engine.record.records import check_line
from engine.record.trials import STATUSES, TrialRecord

if TYPE_CHECKING:
    from engine.record.growing_table import GrowingTable

# The events that say where a run stands; the rest (memory, progress) are many and need no parsing for that.
_LANDMARK = re.compile(rb'"event": ?"(started|resumed|plan|state)"')


@dataclass
class Tally:
    """What is counted from records and events, one by one, to arrive at a status."""

    total: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    started: float | None = None
    life_started: float | None = None
    done_before: int = 0
    seconds_before: float = 0.0
    last: float = 0.0
    state: str | None = None
    text: str = ""
    fault: str = ""
    imported: int = 0

    def add_trials(self, status: str, count: int = 1, *, imported: bool) -> None:
        """Count trials of one outcome."""
        self.counts[status] += count
        self.imported += count * imported

    def add_event(self, event: Event) -> None:
        """Take note of one event, in order."""
        self.last = float(event.t)
        if isinstance(event, StartEvent):
            self.started = self.started or self.last
            self.life_started = self.last
            self.total, self.done_before, self.seconds_before = event.total, event.done, float(event.seconds)
            self.state, self.text = None, ""
        elif isinstance(event, PlanEvent):
            self.total = event.total
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


class Counter:
    """Counts the files of one run, without parsing the events that do not matter; for several threads."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._lock = Lock()
        self._begin()

    def count(self) -> Tally:
        """What there is by now. Raises LesionError when a file cannot be read."""
        with self._lock:
            return self._count()

    def _count(self) -> Tally:
        if any(_size(self._run / name) < end for name, end in self._ends.items()):
            self._begin()
        if self._table is None and _size(self._run / TRIALS) < LONG:
            self._count_trials()
        else:
            self._count_many()
        self._count_events()
        last, _ = read_event(last_line(self._run / EVENTS))
        self._tally.last = float(last.t) if last else self._tally.last
        return replace(self._tally, counts=dict(self._tally.counts))

    def _begin(self) -> None:
        """Forget everything: some file is another one."""
        self._ends = {TRIALS: 0, EVENTS: 0}
        self._seen: set[str] = set()
        self._table: GrowingTable | None = None
        self._tally = Tally()

    def _count_trials(self) -> None:
        path = self._run / TRIALS
        for line, end in complete_lines(path, self._ends[TRIALS]):
            self._ends[TRIALS] = end
            record, reason = check_line(line, TrialRecord)
            if record is None:
                self._tally.blame(path, reason)
            elif record["trial"] not in self._seen:
                self._seen.add(record["trial"])
                self._tally.add_trials(record["status"], imported=record.get("imported") is not None)

    def _count_many(self) -> None:
        """The same of a long journal, of which a table may be at hand."""
        from engine.record.growing_table import GrowingTable

        self._table = self._table or GrowingTable(self._run)
        self._table.look()
        self._tally.counts, self._tally.imported = dict.fromkeys(STATUSES, 0), 0
        for cell, count in self._table.counts():
            self._tally.add_trials(cell.status, count, imported=cell.imported)
        if reason := self._table.first_reason:
            self._tally.blame(self._run / TRIALS, reason)

    def _count_events(self) -> None:
        path = self._run / EVENTS
        for block in complete_blocks(path, self._ends[EVENTS]):
            self._ends[EVENTS] += len(block)
            for line in _landmarks(block):
                event, reason = read_event(line)
                if event is None:
                    self._tally.blame(path, reason)
                else:
                    self._tally.add_event(event)


def tally(run: Path) -> Tally:
    """Count a run's files from the start. Raises LesionError when one cannot be read."""
    return Counter(run).count()


def _landmarks(block: bytes) -> Iterator[bytes]:
    """The lines that hold one."""
    end = 0
    while found := _LANDMARK.search(block, end):
        start, end = block.rfind(b"\n", 0, found.start()) + 1, block.index(b"\n", found.end())
        yield block[start:end]


def _size(path: Path) -> int:
    """Bytes of a plain file; 0 of what is none, which reading it will tell."""
    return path.lstat().st_size if files.is_plain(path) else 0
