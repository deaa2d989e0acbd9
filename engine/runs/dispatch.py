"""The runner's loop: trials to workers, what workers say to the journal, until all are done or someone says stop."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from engine import files
from engine.errors import LesionError
from engine.profile import Trial
from engine.record.changes import Baselines
from engine.record.directory import STOP
from engine.record.lines import Record
from engine.record.records import RECORD_VERSION
from engine.runs import manifest
from engine.runs.control import FINISH, NOW
from engine.runs.devices import MemoryMeter
from engine.runs.executor import Executor, Lost
from engine.runs.journal import Journal

_TICK = 0.2
_PROGRESS_SECONDS = 0.5
_MEMORY_SECONDS = 2.0
_CHECK_SECONDS = 1.0
_STARTS = 3  # workers in a row that may end before they are ready: then none will ever be


class StopRequests:
    """Who asks the runner to end: signals, counted here, and the run's stop file."""

    def __init__(self, run: Path) -> None:
        self._file = run / STOP
        self._signals = 0

    def signal(self, *_: object) -> None:
        """Handle a signal: the first asks to end after the current trial, another to end at once."""
        self._signals += 1

    def clear(self) -> None:
        """Forget a request that was meant for an earlier runner."""
        with suppress(OSError):  # a folder of that name is no request
            self._file.unlink()

    def asked(self) -> bytes | None:
        """FINISH, NOW or nothing."""
        try:
            written = files.read_bytes(self._file)
        except OSError:
            written = b""
        if written == NOW or self._signals > 1:
            return NOW
        return FINISH if written or self._signals else None


class Dispatcher:
    """Hands out the trials of one life of a run, from its start or resume to its end.

    Args:
        attempts: workers that may be lost on one trial before it is recorded as failed.
        check: raises LesionError where the run directory is no longer there, or no longer this runner's to write.
    """

    def __init__(
        self,
        run: Path,
        pending: Sequence[Trial],
        attempts: int,
        journal: Journal,
        executor: Executor,
        device: str,
        check: Callable[[], None],
    ) -> None:
        self._run = run
        self._check = check
        self._checked = _Pace(_CHECK_SECONDS)
        self._pending = deque(pending)
        self._attempts = attempts
        self._journal = journal
        self._executor = executor
        self._baselines = Baselines(journal.records)
        self._awaited = Counter(trial.model for trial in pending if trial.baseline)
        """How many baselines of a model are not recorded yet."""
        self._under_way: dict[str, tuple[Trial, float]] = {}
        self._lost: dict[str, int] = {}
        self._lost_starting = 0
        self._progress = _Pace(_PROGRESS_SECONDS)
        self._memory = _Memory(device, journal)

    def work(self, requests: StopRequests) -> Literal["done", "stopped"]:
        """Run what is left. The trial under way when asked to stop at once stays unrecorded.

        Raises LesionError when the run cannot go on: the disk is full, or a worker found that no result can be trusted.
        """
        stopping = False
        try:
            while self._pending or self._under_way:
                if self._checked.due():
                    self._check()
                asked = requests.asked()
                if asked and not stopping:
                    self._journal.event("state", state="stopping", text="")
                    stopping = True
                if asked == NOW or (stopping and not self._under_way):
                    return "stopped"
                if not stopping:
                    self._hand_out()
                self._listen(stopping)
                self._memory.sample(self._executor.processes())
            return "done"
        finally:
            self._executor.close(now=bool(self._under_way))

    def _hand_out(self) -> None:
        for device in self._executor.idle():
            trial = self._next()
            if trial is None:
                return
            self._under_way[trial.key] = (trial, time.time())
            before = set(self._executor.processes())
            self._executor.give(device, trial)
            for process in set(self._executor.processes()) - before:
                self._journal.event("worker", state="started", device=device, pid=process, text="")
            self._journal.event("trial", trial=trial.key, index=trial.index, phase="begin")

    def _next(self) -> Trial | None:
        """The next trial in line. A damaged model waits for all of its baselines, from which its record tells the
        change: no record depends on what happened to be finished before it."""
        for position, trial in enumerate(self._pending):
            if trial.baseline or not self._awaited[trial.model]:
                del self._pending[position]
                return trial
        return None

    def _listen(self, stopping: bool) -> None:
        happened = self._executor.poll(_TICK)
        if isinstance(happened, Lost):
            self._worker_lost(happened, stopping)
        elif happened is not None:
            self._worker_said(happened.message)

    def _worker_said(self, message: Record) -> None:
        match message["say"]:
            case "ready":
                self._lost_starting = 0
                for remark in manifest.add_worker(self._run, message["device"], message["facts"]):
                    self._journal.event("warning", text=remark)
            case "model":
                self._model(message)
            case "progress" if message["trial"] in self._under_way and self._progress.due():
                index = self._under_way[message["trial"]][0].index
                self._journal.event(
                    "trial", trial=message["trial"], index=index, phase="progress", what=message["what"]
                )
            case "warning":
                self._journal.event("warning", text=message["text"])
            case "done":
                self._commit(message["trial"], message["record"], message["generations"])
            case "fatal":
                raise LesionError(message["text"])

    def _model(self, message: Record) -> None:
        if message["state"] == "ready":
            facts = ("revision", "digest", "parameters", "dtype")
            manifest.add_model(self._run, message["model"], {name: message.get(name) for name in facts})
        self._journal.event("model", **{name: value for name, value in message.items() if name != "say"})

    def _commit(self, key: str, found: Record, generations: Sequence[Record]) -> None:
        trial, begun = self._under_way[key]
        record = _record(trial, begun, found)
        self._baselines.add(record)
        record["change_pct"] = self._baselines.changes(record)
        self._check()
        self._journal.commit(record, generations)
        self._awaited[trial.model] -= trial.baseline
        del self._under_way[key]
        self._journal.event("trial", trial=key, index=trial.index, phase="end", status=found["status"])

    def _worker_lost(self, lost: Lost, stopping: bool) -> None:
        self._journal.event("worker", state="lost", device=lost.device, text=lost.why)
        self._lost_starting = 0 if lost.ready else self._lost_starting + 1
        if self._lost_starting >= _STARTS:
            raise LesionError(f"no worker gets ready to run a trial, {_STARTS} tries in a row: {lost.why}")
        if lost.trial is None:
            return
        key = lost.trial.key
        # A worker that was not ready yet was not lost on its trial.
        self._lost[key] = self._lost.get(key, 0) + lost.ready
        if self._lost[key] >= self._attempts and not stopping:
            times = f", worker number {self._lost[key]} lost on this trial" if self._lost[key] > 1 else ""
            self._commit(key, {"status": "failed", "error": lost.why + times, "device": lost.device}, [])
        else:
            self._pending.appendleft(self._under_way.pop(key)[0])


class _Pace:
    """Tells when at least `seconds` have passed since it last said so."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = float("-inf")

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


class _Memory:
    """Notes how full the memory is, every two seconds, for as long as that works."""

    def __init__(self, device: str, journal: Journal) -> None:
        self._device = device
        self._journal = journal
        self._pace = _Pace(_MEMORY_SECONDS)
        self._meter: MemoryMeter | None = None
        self._works = True

    def sample(self, workers: list[int]) -> None:
        if not self._works or not self._pace.due():
            return
        try:
            self._meter = self._meter or MemoryMeter(self._device)
            devices = self._meter.sample(workers)
        except Exception as error:  # whatever a driver's library raises must not end a run
            self._works = False
            self._journal.event("warning", text=f"memory cannot be shown: {error}")
            return
        self._journal.event("memory", devices=devices)


def _record(trial: Trial, begun: float, found: Record) -> Record:
    """The line of trials.jsonl: which trial, what was found, and None for what was not."""
    which: dict[str, Any] = {
        "v": RECORD_VERSION,
        "trial": trial.key,
        "index": trial.index,
        "model": trial.model,
        "baseline": trial.baseline,
        "method": trial.method,
        "group": trial.group,
        "layers": trial.layers,
        "level": trial.level,
        "seed": trial.seed,
    }
    which |= {key: given for key in ("heads", "experts") if (given := getattr(trial, key)) is not None}
    which |= {key: given for key in ("options", "select") if (given := getattr(trial, key))}
    what = {
        "status": "failed",
        "metrics": {},
        "change_pct": {},
        "texts": 0,
        "parameters": None,
        "touched": None,
        "batch": {},
        "seconds": time.time() - begun,
        "peak_bytes": None,
        "device": None,
        "started": datetime.fromtimestamp(begun, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "error": None,
        "threads": None,
    }
    return which | what | {name: value for name, value in found.items() if name in what or name == "artifacts"}
