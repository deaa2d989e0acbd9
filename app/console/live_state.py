"""What the Live screen knows of a run: built up from journal lines and events, with no terminal in sight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from app.console.widgets.figures import trial_words
from app.safe import line
from app.words import number
from engine.analysis.names import model_name
from engine.profile import Trial

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
    records: list[dict[str, Any]] = field(default_factory=list)
    memory: list[list[dict[str, Any]]] = field(default_factory=list)
    """Memory events not yet drawn: the screen takes and clears them."""
    host: str | None = None
    current: str | None = None
    """Key of the trial at work."""
    what: str = ""
    """What is being measured or loaded."""

    def take(self, trials: Iterable[dict[str, Any]], events: Iterable[dict[str, Any]]) -> list[Entry]:
        """Adds new journal records and events; returns their log lines, oldest first."""
        told = [*map(self._trial, trials), *filter(None, map(self._event, events))]
        return sorted(told, key=lambda entry: entry.time)

    def now_words(self) -> str:
        """The trial at work, or an empty text where none is."""
        if self.current is None:
            return ""
        trial = self.names.get(self.current)
        return trial_words(asdict(trial)) if trial else f"trial {self.current}"

    def _trial(self, record: dict[str, Any]) -> Entry:
        ended = _unix(record.get("started")) + float(record.get("seconds") or 0)
        if self.current == record.get("trial"):
            self.current, self.what = None, ""
        status = str(record.get("status"))
        words = trial_words(record)
        self.records.append(record)
        if status == "ok":
            name, value = next(iter((record.get("metrics") or {}).items()), ("nothing measured", None))
            return Entry(ended, "trial", f"{line(name)} {number(value)}".ljust(RESULT) + f" {words}")
        return Entry(ended, status, f"{words}: {status}, {line(record.get('error') or 'no reason given')}")

    def _event(self, event: Mapping[str, Any]) -> Entry | None:
        kind, time = str(event.get("event")), float(event.get("t") or 0)
        if kind == "memory":
            self.memory.append([_sized(device) for device in event.get("devices") or []])
            return None
        if kind in ("started", "resumed"):
            self.host = event.get("host")
            done, total = event.get("done", 0), event.get("total", 0)
            return Entry(time, "state", f"{kind} on {line(self.host)}: {done} of {total} trials done")
        if kind == "trial":
            self._progress(event)
            return None
        return self._told(kind, time, event)

    def _progress(self, event: Mapping[str, Any]) -> None:
        if event.get("phase") == "end":
            self.current, self.what = None, ""
        else:
            self.current = str(event.get("trial"))
            self.what = line(event.get("what") or "")

    def _told(self, kind: str, time: float, event: Mapping[str, Any]) -> Entry | None:
        text = line(event.get("text") or "")
        if kind == "model":
            seconds = event.get("seconds")
            took = f" in {number(float(seconds))} s" if seconds else ""
            state = event.get("state")
            self.what = f"loading {line(model_name(str(event.get('model'))))}" if state == "loading" else ""
            return Entry(
                time, "model", f"{line(model_name(str(event.get('model'))))} {state}{took}{': ' * bool(text)}{text}"
            )
        if kind == "worker":
            told = f"worker {event.get('state')} on {line(event.get('device'))}{': ' * bool(text)}{text}"
            return Entry(time, "error" if event.get("state") == "lost" else "worker", told)
        if kind == "state":
            self.current, self.what = None, ""
            return Entry(time, "state", f"{event.get('state')}{': ' * bool(text)}{text}")
        return Entry(time, kind, text) if kind in ("warning", "error") else None


def _sized(device: Mapping[str, Any]) -> dict[str, Any]:
    """One device of a memory event with numbers for numbers; raises as they do where it has none."""
    sizes = {name: float(device.get(name) or 0) for name in ("used", "total", "worker")}
    return {"name": str(device.get("name")), **sizes}


def _unix(started: object) -> float:
    """Unix time of a record's `started`; 0 where it is missing or malformed."""
    try:
        return datetime.fromisoformat(str(started)).timestamp()
    except (ValueError, OverflowError):
        return 0.0
