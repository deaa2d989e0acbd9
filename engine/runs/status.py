"""What a run is doing, derived from its lock and its last events: the same live, finished or on another host."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from engine import files
from engine.record.directory import STOP
from engine.runs import lock
from engine.runs.tally import Tally, tally

State = Literal["running", "stopping", "done", "stopped", "failed", "crashed"]

FINAL = ("done", "stopped", "failed")
ENDED = (*FINAL, "crashed")
"""States in which no runner is at work."""


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


def status(run: Path) -> RunStatus:
    """Where the run stands now. Raises LesionError when its files cannot be read."""
    return judge(run, tally(run))


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
