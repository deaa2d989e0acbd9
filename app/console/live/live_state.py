"""What the Live screen knows of a run: built up from journal lines and events, with no terminal in sight."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.console.shared.figures import trial_words
from app.safe import line
from app.words import number
from engine.analysis import headlines
from engine.analysis.names import model_name
from engine.profile import Trial
from engine.record.events import (
    ErrorEvent,
    Event,
    MemoryEvent,
    ModelEvent,
    StartEvent,
    StateEvent,
    TrialEvent,
    WarningEvent,
    WorkerEvent,
)
from engine.record.trials import TrialRecord

_PACE = 400  # ends of trials from which the pace is told
RESULT = 18  # columns of a result in the log, so that what follows stands below one another


@dataclass(frozen=True)
class Entry:
    """A line of the log: unix time, kind (trial, oom, failed, worker, model, warning, error, state) and text."""

    time: float
    kind: str
    text: str


@dataclass
class LiveState:
    """Everything observed so far; `take` adds what is new and returns the log lines it makes."""

    names: dict[str, Trial] = field(default_factory=dict)
    """The profile's trials by key; empty where the profile could not be read."""
    trials: int = 0
    """How many have a record."""
    memory: list[MemoryEvent] = field(default_factory=list)
    """Those not yet drawn: the screen takes and clears them."""
    host: str | None = None
    current: str | None = None
    """Key of the trial at work."""
    what: str = ""
    """What is being measured or loaded."""
    ends: deque[float] = field(default_factory=lambda: deque(maxlen=_PACE))
    """Unix times at which the latest trials ended."""
    last: float = 0.0
    """Unix time of the latest line of the log."""

    def take(self, trials: Iterable[TrialRecord], events: Iterable[Event]) -> list[Entry]:
        """Adds new journal records and events; returns their log lines, oldest first.

        What is read later stands later: one that ended before what is told already has the time of that.
        """
        told = [*map(self._trial, trials), *filter(None, map(self._event, events))]
        timed = sorted((entry for entry in told if entry.time), key=lambda entry: entry.time)
        untimed = [entry for entry in told if not entry.time]
        self.ends.extend(entry.time for entry in timed if entry.kind in ("trial", "oom", "failed"))
        return [self._in_order(entry) for entry in (*untimed, *timed)]

    def _in_order(self, entry: Entry) -> Entry:
        self.last = max(self.last, entry.time)
        return replace(entry, time=self.last) if entry.time else entry

    def died(self, text: str) -> Entry:
        """The line of the log for a runner that ended without a word, of which no file tells."""
        return Entry(self.last, "error", f"crashed: {line(text)}")

    def now_words(self) -> str:
        """The trial at work, or an empty text where none is."""
        if self.current is None:
            return ""
        trial = self.names.get(self.current)
        return trial_words(trial) if trial else f"trial {self.current}"

    def _trial(self, record: TrialRecord) -> Entry:
        ended = _unix(record.started) + float(record.seconds or 0)
        if self.current == record.trial:
            self.current, self.what = None, ""
        words = trial_words(record)
        self.trials += 1
        if record.status == "ok":
            name = next(iter(headlines(list(record.metrics))), "nothing measured")
            value = record.metrics.get(name)
            return Entry(ended, "trial", f"{line(name)} {number(value)}".ljust(RESULT) + f" {words}")
        return Entry(ended, record.status, f"{words}: {record.status}, {line(record.error or 'no reason given')}")

    def _event(self, event: Event) -> Entry | None:
        match event:
            case MemoryEvent():
                self.memory.append(event)
            case TrialEvent():
                self._progress(event)
            case StartEvent():
                self.host = event.host
                told = f"{event.event} on {line(self.host)}: {event.done} of {event.total} trials done"
                return Entry(event.t, "state", told)
            case ModelEvent():
                return self._model(event)
            case WorkerEvent():
                told = f"worker {event.state} on {line(event.device)}{_said(event.text)}"
                return Entry(event.t, "error" if event.state == "lost" else "worker", told)
            case StateEvent():
                self.current, self.what = None, ""
                return Entry(event.t, "state", f"{event.state}{_said(event.text)}")
            case WarningEvent() | ErrorEvent():
                return Entry(event.t, event.event, line(event.text))
        return None

    def _progress(self, event: TrialEvent) -> None:
        if event.phase == "end":
            self.current, self.what = None, ""
        else:
            self.current, self.what = event.trial, line(event.what or "")

    def _model(self, event: ModelEvent) -> Entry:
        name = line(model_name(event.model))
        took = f" in {number(float(event.seconds))} s" if event.seconds else ""
        self.what = f"loading {name}" if event.state == "loading" else ""
        return Entry(event.t, "model", f"{name} {event.state}{took}{_said(event.text)}")


def _said(text: str | None) -> str:
    """The end of a line of the log: what there is to say, in words."""
    return f": {line(text)}" if text else ""


def _unix(started: str | None) -> float:
    """Unix time of a record's `started`; 0 where it is missing or malformed."""
    try:
        return datetime.fromisoformat(str(started)).timestamp()
    except (ValueError, OverflowError):
        return 0.0
