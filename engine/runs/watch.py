"""Following a run by reading what was added to its files since the last look."""

from dataclasses import dataclass
from pathlib import Path

from engine import files
from engine.record.directory import EVENTS, TRIALS
from engine.record.events import Event, read_event
from engine.record.lines import complete_lines
from engine.record.records import read_line
from engine.record.trials import TrialRecord
from engine.runs.status import RunStatus, Tally, judge

# On the first look at a long run, samples older than this many bytes are passed over: they are of the past.
_RECENT_BYTES = 1 << 21
_PASSING = (b'"event":"memory"', b'"phase":"progress"')


@dataclass(frozen=True)
class Update:
    """What is new in a run since the last look."""

    trials: list[TrialRecord]
    events: list[Event]
    status: RunStatus


class Watch:
    """Follows one run, live, finished or on another host; the first `poll` brings all there is.

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
        trials = []
        for line, end in complete_lines(self.run / TRIALS, self._trials):
            self._trials = end
            record, reason = read_line(line, TrialRecord)
            if record is None:
                self._tally.blame(self.run / TRIALS, reason)
            elif record.trial not in self._seen:
                self._seen.add(record.trial)
                self._tally.add_trial(record)
                trials.append(record)
        return trials

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
