"""Following a run by reading what was added to its files since the last look."""

from dataclasses import dataclass
from pathlib import Path

from engine import files
from engine.record.directory import EVENTS, TRIALS
from engine.record.events import Event, read_event
from engine.record.lines import complete_lines
from engine.record.records import read_line
from engine.record.trials import TrialRecord
from engine.runs.status import RunStatus, judge
from engine.runs.tally import Tally

# On the first look at a long run, what is further back than this many bytes is of the past: of its trials only the
# outcomes are counted, and samples and progress are passed over.
_RECENT_BYTES = 1 << 21
_PASSING = (b'"event":"memory"', b'"event":"trial"')


@dataclass(frozen=True)
class Update:
    """What is new in a run since the last look."""

    trials: list[TrialRecord]
    events: list[Event]
    status: RunStatus


class Watch:
    """Follows one run, live, finished or on another host; the first `poll` brings all there is, of a long run the last.

    Lines that cannot be read, and events of the wrong form, are passed over: the status tells of the first one.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self._trials = 0
        self._events = 0
        self._seen: set[str] = set()
        self._tally = Tally()

    def poll(self) -> Update:
        """What was added since the last call, and where the run stands. Raises LesionError for unreadable files."""
        events = self._new_events()
        trials = self._new_trials()
        return Update(trials, events, judge(self.run, self._tally))

    def _new_trials(self) -> list[TrialRecord]:
        path = self.run / TRIALS
        if self._trials == 0 and files.is_plain(path) and path.lstat().st_size > _RECENT_BYTES:
            self._pass_over(path.lstat().st_size - _RECENT_BYTES)
        trials = []
        for line, end in complete_lines(self.run / TRIALS, self._trials):
            self._trials = end
            record, reason = read_line(line, TrialRecord)
            if record is None:
                self._tally.blame(self.run / TRIALS, reason)
            elif record.trial not in self._seen:
                self._seen.add(record.trial)
                self._tally.add_trials(record.status, imported=record.imported is not None)
                trials.append(record)
        return trials

    def _pass_over(self, recent: int) -> None:
        """Count the trials whose lines begin before byte `recent`, without an object for each."""
        from engine.record.columns import counts
        from engine.record.growing_table import GrowingTable

        growing = GrowingTable(self.run)
        growing.look()
        table = growing.table
        starts = table["start"].to_numpy()
        past = int(starts.searchsorted(recent))
        self._trials = int(starts[past]) if past < len(starts) else growing.end
        self._seen.update(table["trial"][:past].to_pylist())
        for cell, count in counts(table.slice(0, past)):
            self._tally.add_trials(cell.status, count, imported=cell.imported)
        if growing.first_reason:
            self._tally.blame(self.run / TRIALS, growing.first_reason)

    def _new_events(self) -> list[Event]:
        path, events = self.run / EVENTS, list[Event]()
        recent = path.lstat().st_size - _RECENT_BYTES if self._events == 0 and files.is_plain(path) else 0
        for line, end in complete_lines(path, self._events):
            self._events = end
            if end < recent and any(mark in line for mark in _PASSING):
                continue
            event, reason = read_event(line)
            if event is None:
                self._tally.blame(path, reason)
            else:
                self._tally.add_event(event)
                events.append(event)
        return events
