"""Events of a run, a line of events.jsonl each: what a live view shows. Foreign and later ones are left out or kept as
they are, never a reason to end."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.errors import quoted
from engine.record.fields import Fields, sparse
from engine.record.kinds import Amount, Count, Moment, Text
from engine.record.lines import parse


def _now() -> float:
    return round(time.time(), 3)


@dataclass(frozen=True, kw_only=True)
class Event(Fields):
    """One thing that happened, at `t` in Unix seconds; of which kind, says `event`."""

    t: Moment = field(default_factory=_now)
    event: Text

    @classmethod
    def fault(cls, plain: Mapping[str, Any]) -> str | None:
        """As of all typed things; now is no time for what is read."""
        return super().fault(plain) if "t" in plain else "t"


@dataclass(frozen=True, kw_only=True)
class StartEvent(Event):
    """A runner has begun the run, or goes on with it."""

    event: Literal["started", "resumed"]
    total: Count = 0
    """Trials of the profile."""
    done: Count = 0
    """Those that are recorded already."""
    seconds: Amount = 0.0
    """Time spent running before."""
    pid: Count | None = sparse()
    """The runner's process id."""
    host: Text | None = None


@dataclass(frozen=True, kw_only=True)
class PlanEvent(Event):
    """A search has come on, and the run will have fewer trials than was thought."""

    event: Literal["plan"] = "plan"
    total: Count
    """Trials that the run may come to at most."""


@dataclass(frozen=True, kw_only=True)
class StateEvent(Event):
    """The run ends, or is about to: "stopping", then "done", "stopped" or "failed"."""

    event: Literal["state"] = "state"
    state: Text
    text: Text | None = ""
    """Why, where there is something to say."""
    seconds: Amount | None = sparse()
    """Time spent running so far, over all starts."""


@dataclass(frozen=True, kw_only=True)
class TrialEvent(Event):
    """A worker turns to a trial, is in the middle of it, or its record is on the disk: "begin", "progress" or "end"."""

    event: Literal["trial"] = "trial"
    trial: Text
    index: Count | None = None
    phase: Text
    what: Text | None = sparse()
    """How far it is: a measurement, batches done and batches in all."""
    status: Text | None = sparse()
    """What became of it, at its end."""


@dataclass(frozen=True, kw_only=True)
class ModelEvent(Event):
    """A worker loads a model."""

    event: Literal["model"] = "model"
    model: Text
    state: Text = "loading"
    text: Text | None = sparse()
    seconds: Amount | None = sparse()


@dataclass(frozen=True, kw_only=True)
class LoadedEvent(ModelEvent):
    """A worker has loaded a model."""

    state: Literal["ready"] = "ready"
    seconds: Amount
    revision: Text | None
    """The commit on the Hub; None of files and of bundled models."""
    digest: Text
    """Of all weights as they are in memory."""
    parameters: Count
    dtype: Text


@dataclass(frozen=True, kw_only=True)
class MemoryUse(Fields):
    """Bytes of one memory: `used` by everybody, `total`, and held by the run's workers."""

    name: Text
    """RAM, or a GPU: "cuda:0 NVIDIA H100"."""
    used: Amount
    total: Amount
    worker: Amount | None = None


@dataclass(frozen=True, kw_only=True)
class MemoryEvent(Event):
    """How full the memory is."""

    event: Literal["memory"] = "memory"
    devices: tuple[MemoryUse, ...]


@dataclass(frozen=True, kw_only=True)
class WorkerEvent(Event):
    """A worker process was "started", or "lost"."""

    event: Literal["worker"] = "worker"
    state: Text
    device: Text | None = None
    pid: Count | None = sparse()
    text: Text | None = ""
    """How it ended, and its last words."""


@dataclass(frozen=True, kw_only=True)
class WarningEvent(Event):
    """A sentence that the user should see: what was switched off, left out or made smaller."""

    event: Literal["warning"] = "warning"
    text: Text


@dataclass(frozen=True, kw_only=True)
class ErrorEvent(Event):
    """A sentence that the user must see. No run writes it yet."""

    event: Literal["error"] = "error"
    text: Text


EVENTS: dict[str, type[Event]] = {
    "started": StartEvent,
    "resumed": StartEvent,
    "plan": PlanEvent,
    "state": StateEvent,
    "trial": TrialEvent,
    "model": ModelEvent,
    "memory": MemoryEvent,
    "worker": WorkerEvent,
    "warning": WarningEvent,
    "error": ErrorEvent,
}
"""By what their `event` says."""


def read_event(line: bytes) -> tuple[Event | None, str]:
    """The event of one line, or None and why it counts as none. One of a kind that this version does not know is a
    plain Event."""
    plain = parse(line)
    if plain is None:
        return None, "is not a JSON object"
    kind = str(plain.get("event"))
    cls = EVENTS.get(kind, Event)
    if wrong := cls.fault(plain):
        return None, f"is an event {quoted(kind)} without a usable '{wrong}'"
    if cls is ModelEvent and LoadedEvent.fault(plain) is None:
        cls = LoadedEvent
    return cls.decode(plain), ""
