"""Progress of a run without the console: a live panel on a terminal, plain lines elsewhere. Both only read the run."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TextIO

from app import output, safe
from app.words import duration, rounded, size
from engine.analysis import headlines, model_name, trial_group
from engine.errors import LesionError
from engine.record.events import (
    ErrorEvent,
    Event,
    MemoryEvent,
    MemoryUse,
    ModelEvent,
    TrialEvent,
    WarningEvent,
    WorkerEvent,
)
from engine.record.trials import TrialRecord
from engine.runs import RunStatus, Update, Watch, eta, stop

LOOK_SECONDS = 0.2
SUMMARY_SECONDS = 5.0
# A run with more trials than this is summarised every few seconds instead of told trial by trial.
FEW_TRIALS = 300


class Interrupts:
    """While entered, counts Ctrl-C instead of raising it in the middle of a line."""

    def __init__(self) -> None:
        self.count = 0
        self._told = 0

    def __enter__(self) -> Interrupts:
        self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def fresh(self) -> bool:
        """Whether there was one since the last call."""
        told, self._told = self._told, self.count
        return self.count > told

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


def follow(run: Path, process: subprocess.Popen[bytes], view: View, interrupts: Interrupts) -> None:
    """Show the run until its runner, which this process started, has ended.

    Ctrl-C asks the run to end after its current trial, a second one to end now.
    """
    watch = Watch(run)
    while True:
        over = process.poll() is not None
        view.show(watch.poll())
        if over:
            return view.end()
        if interrupts.fresh():
            _ask_to_stop(run, view, now=interrupts.count > 1)
        time.sleep(LOOK_SECONDS)


def attend(run: Path, view: View, interrupts: Interrupts) -> None:
    """Show a run that others started until it ends, or until Ctrl-C, which leaves the run alone."""
    watch = Watch(run)
    while not interrupts.count:
        update = watch.poll()
        view.show(update)
        if update.status.state not in ("running", "stopping"):
            return view.end()
        time.sleep(LOOK_SECONDS)
    view.end()
    return view.note(f"the run goes on; watch it with: lesion attach {run.name}")


def _ask_to_stop(run: Path, view: View, *, now: bool) -> None:
    try:
        stop(run, now=now)
    except LesionError as error:  # most likely it has just ended by itself
        view.note(str(error))
    else:
        view.note("stopping now" if now else "finishing the current trial; Ctrl-C again stops now")


class View:
    """Shows nothing but warnings and errors: what `--quiet` asks for, and the base of the views that show more."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._fault = ""

    def show(self, update: Update) -> None:
        """Take in what is new and show it."""
        if update.status.fault and not self._fault:
            self._fault = update.status.fault
            self.note(f"warning: {self._fault}")
        for event in update.events:
            if isinstance(event, WarningEvent | ErrorEvent):
                self.note(f"{event.event}: {event.text}")
            elif isinstance(event, WorkerEvent) and event.state == "lost":
                self.note(f"warning: a worker was lost: {event.text or 'it said nothing'}")

    def note(self, text: str) -> None:
        """A line that stays."""
        output.write(self.stream, safe.line(text) + "\n")

    def end(self) -> None:
        """Leave the stream as an ordinary line would."""


class Lines(View):
    """A line a trial, or for a long run a summary every few seconds: for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._told = time.monotonic()

    def show(self, update: Update) -> None:
        super().show(update)
        for event in update.events:
            if isinstance(event, ModelEvent):
                self.note(_model(event))
        status = update.status
        if status.total <= FEW_TRIALS:
            first = status.done - len(update.trials) + 1
            for count, record in enumerate(update.trials, start=first):
                self.note(f"{count}/{status.total} {trial_line(record)}")
        elif update.trials and time.monotonic() - self._told >= SUMMARY_SECONDS:
            self._told = time.monotonic()
            self.note(f"{counts_line(status)} · {trial_line(update.trials[-1])}")


class Panel(View):
    """Three lines at the bottom of a terminal, drawn anew with every look."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._drawn = 0
        self._loading: str | None = None
        self._doing = ""
        self._memory: tuple[MemoryUse, ...] = ()
        self._last: TrialRecord | None = None

    def show(self, update: Update) -> None:
        super().show(update)
        for event in update.events:
            self._take(event)
        self._last = update.trials[-1] if update.trials else self._last
        columns = shutil.get_terminal_size((80, 24)).columns - 1
        lines = [safe.cut(safe.line(line), columns) for line in self._lines(update.status)]
        self._redraw("".join(f"{line}\n" for line in lines), panel=len(lines))

    def note(self, text: str) -> None:
        self._redraw(safe.line(text) + "\n")

    def end(self) -> None:
        self._redraw("")

    def _take(self, event: Event) -> None:
        match event:
            case ModelEvent():
                self._loading = _model(event) if event.state == "loading" else None
            case TrialEvent():
                self._doing = "" if event.phase == "end" else event.what or self._doing
            case MemoryEvent():
                self._memory = event.devices

    def _lines(self, status: RunStatus) -> Iterator[str]:
        filled = round(20 * status.done / status.total) if status.total else 0
        yield f"{'█' * filled}{'░' * (20 - filled)} {counts_line(status)}"
        memory = (_memory(device) for device in self._memory)
        yield " · ".join(filter(None, (status.state, self._loading or self._doing, *memory)))
        yield f"last: {trial_line(self._last)}" if self._last else "last: no trial finished yet"

    def _redraw(self, text: str, *, panel: int = 0) -> None:
        """Write lines in place of the panel, in one go so that nothing flickers; the last `panel` are the new one."""
        cleared = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
        self._drawn = panel
        output.write(self.stream, cleared + text)


def counts_line(status: RunStatus) -> str:
    """`45/120 · 1 failed · 3.2 trials/s · 23 s left`."""
    parts = [f"{status.done}/{status.total}"]
    parts += [f"{count} {word}" for count, word in ((status.failed, "failed"), (status.oom, "out of memory")) if count]
    left = eta(status, time.time())
    if left is not None and status.life_started is not None:
        passed = max(time.time() - status.life_started, 1e-9)
        parts += [f"{status.life_done / passed:.2g} trials/s", f"{duration(left)} left"]
    return " · ".join(parts)


def trial_line(record: TrialRecord) -> str:
    """`petri-60k mult_gauss attn_only 0.2 seed 42: perplexity 12.3 (1.2 s)`, or what went wrong."""
    group = trial_group(record)
    level = "" if record.level is None else f"{record.level:g}"
    what = ["baseline"] if record.baseline else [record.method, group or "", level]
    name = " ".join(filter(None, (model_name(record.model), *what, f"seed {record.seed}")))
    if record.status != "ok":
        return f"{name}: {'out of memory' if record.status == 'oom' else 'failed'}: {record.error or ''}"
    metric = next((f"{key} {rounded(record.metrics[key])}" for key in headlines(list(record.metrics))), "no metric")
    return f"{name}: {metric} ({duration(float(record.seconds or 0))})"


def _model(event: ModelEvent) -> str:
    seconds = f" in {duration(event.seconds)}" if event.seconds else ""
    return f"model {model_name(event.model)} {event.state}{seconds}"


def _memory(device: MemoryUse) -> str:
    used = f"{device.name} {size(device.used)} of {size(device.total)}"
    return f"{used} (worker {size(device.worker)})" if device.worker else used
