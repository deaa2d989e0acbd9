"""Where trials run: the seam between the runner, which alone writes the journal, and the processes that compute."""

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from engine import files
from engine.profile.packs import Pack
from engine.record.lines import encode
from engine.record.messages import Answer, Finished, Hello, PackRequest, Quit, Ready, Request, read_answer
from engine.runs.places import Place
from engine.runs.processes import command, environment

_GRACE = 10.0  # seconds a worker has to end by itself


@dataclass(frozen=True)
class Said:
    """What a worker told."""

    place: Place
    answer: Answer


@dataclass(frozen=True)
class Lost:
    """A worker ended unasked. `pack` is what it was on; `ready` tells whether it ever got as far as to accept one."""

    place: Place
    pack: Pack | None
    ready: bool
    why: str


class Executor(Protocol):
    """Takes packs one by one, wherever it runs them, and tells what becomes of their trials."""

    def places(self) -> list[Place]:
        """Those that are in use."""

    def idle(self) -> list[Place]:
        """The places that wait for a pack."""

    def model(self, place: Place) -> str | None:
        """The model that the worker at a place has loaded, or is about to."""

    def give(self, place: Place, pack: Pack, recorded: Collection[str]) -> None:
        """Run a pack at an idle place, starting a worker there when there is none; trials whose keys are `recorded`
        need no result."""

    def leave(self, place: Place) -> None:
        """Use a place no more."""

    def poll(self, seconds: float) -> Said | Lost | None:
        """The next thing that happened, waiting up to `seconds` for it."""

    def processes(self) -> list[int]:
        """The workers' process ids on this host."""

    def close(self, *, now: bool) -> None:
        """End all workers; with `now` in the middle of their trials."""


class LocalExecutor:
    """One worker process a place, on this host.

    Args:
        greet: greets a worker at a place, each time one starts.
        log: file that the workers' stderr is appended to.
        start_seconds: how long a worker that is not ready yet may give no sign of life.
    """

    def __init__(
        self, places: Sequence[Place], greet: Callable[[Place], Hello], log: Path, start_seconds: float
    ) -> None:
        self._start_seconds = start_seconds
        self._workers: dict[Place, _Worker | None] = dict.fromkeys(places)
        self._greet = greet
        self._log = log
        self._inbox: queue.SimpleQueue[tuple[_Worker, Answer | None]] = queue.SimpleQueue()

    def places(self) -> list[Place]:
        return list(self._workers)

    def idle(self) -> list[Place]:
        return [place for place, worker in self._workers.items() if worker is None or worker.pack is None]

    def model(self, place: Place) -> str | None:
        worker = self._workers[place]
        return worker.model if worker else None

    def give(self, place: Place, pack: Pack, recorded: Collection[str]) -> None:
        worker = self._workers[place]
        if worker is None:
            worker = self._workers[place] = _Worker(place, self._log, self._inbox)
            worker.tell(self._greet(place))
        worker.pack, worker.model = pack, pack.model
        worker.tell(PackRequest(trials=tuple(pack.trials), recorded=tuple(sorted(recorded))))

    def leave(self, place: Place) -> None:
        if worker := self._workers.pop(place, None):
            worker.end(now=True)

    def poll(self, seconds: float) -> Said | Lost | None:
        try:
            worker, answer = self._inbox.get(timeout=seconds)
        except queue.Empty:
            return self._give_up_silent()
        if self._workers.get(worker.place) is not worker:  # given up before
            return None
        if answer is None:
            self._workers[worker.place] = None
            return Lost(worker.place, worker.pack, worker.ready, worker.last_words())
        worker.ready |= isinstance(answer, Ready)
        if isinstance(answer, Finished):
            worker.pack = None
        return Said(worker.place, answer)

    def processes(self) -> list[int]:
        return [worker.process.pid for worker in self._workers.values() if worker is not None]

    def _give_up_silent(self) -> Lost | None:
        """End a worker that got stuck on its way to be ready."""
        for place, worker in self._workers.items():
            if worker is not None and not worker.ready and worker.silent_seconds() > self._start_seconds:
                worker.process.kill()  # without waiting: one stuck in a driver may not end
                self._workers[place] = None
                silent = f"gave no sign of life for {self._start_seconds:g} s before it was ready"
                return Lost(place, worker.pack, False, worker.last_words(silent))
        return None

    def close(self, *, now: bool) -> None:
        for worker in filter(None, self._workers.values()):
            worker.end(now=now)
        self._workers = dict.fromkeys(self._workers)


class _Worker:
    """One worker process, with a thread that brings what it says into the executor's inbox."""

    def __init__(self, place: Place, log: Path, inbox: "queue.SimpleQueue[tuple[_Worker, Answer | None]]") -> None:
        self.place = place
        self.pack: Pack | None = None
        self.model: str | None = None
        self.ready = False
        self._log = log
        with files.appending(log) as errors:
            self._log_start = self._log_end = errors.seek(0, os.SEEK_END)
            self.process = subprocess.Popen(
                command("engine.work", "worker"),
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self._inbox = inbox
        self._sign = time.monotonic()
        threading.Thread(target=self._listen, daemon=True).start()

    def tell(self, request: Request) -> None:
        """Send one request. A worker that died meanwhile is noticed by the listening thread, not here."""
        line = encode(request.encode())
        try:
            _pipe(self.process.stdin).write(line)
            _pipe(self.process.stdin).flush()
        except OSError:
            return

    def end(self, *, now: bool) -> None:
        """End the process, at the latest a few seconds from now."""
        if now:
            self.process.kill()
        self.tell(Quit())
        with suppress(OSError):  # what was left to send has no reader any more
            _pipe(self.process.stdin).close()
        try:
            self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            with suppress(subprocess.TimeoutExpired):  # stuck in a driver: it ends when that lets go of it
                self.process.wait(_GRACE)

    def silent_seconds(self) -> float:
        """Time since the process was started or wrote something to its log."""
        with suppress(OSError):
            if (end := self._log.lstat().st_size) != self._log_end:
                self._log_end, self._sign = end, time.monotonic()
        return time.monotonic() - self._sign

    def last_words(self, how: str | None = None) -> str:
        """How the process ended, and what it wrote last to its log."""
        if how is None:
            status = self.process.returncode
            how = f"ended with status {status}" if status >= 0 else f"was killed by {_signal_name(-status)}"
        words = self._words().decode(errors="replace").splitlines()
        tail = [line.strip() for line in words if line.strip()][-3:]
        return f"the worker on {self.place} {how}" + (f"; its last words: {' | '.join(tail)[-600:]}" if tail else "")

    def _words(self) -> bytes:
        try:
            with files.reading(self._log) as log:
                log.seek(self._log_start)
                return log.read()
        except OSError:  # someone deleted it
            return b""

    def _listen(self) -> None:
        for line in _pipe(self.process.stdout):
            if (answer := read_answer(line)) is None:
                break  # half a line, or no longer the protocol: nothing this worker says can be trusted
            self._inbox.put((self, answer))
        self.process.kill()
        self.process.wait()
        self._inbox.put((self, None))


def _signal_name(number: int) -> str:
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    return f"{name} (out of memory, or killed by hand)" if number == signal.SIGKILL else name


def _pipe(stream: IO[Any] | None) -> IO[Any]:
    assert stream is not None
    return stream
