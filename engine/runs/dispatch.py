"""The runner's loop: trials to workers, what workers say to the journal, until all are done or someone says stop."""

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from engine import files
from engine.errors import LesionError
from engine.profile import Trial
from engine.profile.grid import Stage
from engine.profile.packs import Pack
from engine.record.changes import Baselines
from engine.record.directory import STOP
from engine.record.events import (
    LoadedEvent,
    MemoryEvent,
    ModelEvent,
    PlanEvent,
    StateEvent,
    TrialEvent,
    WarningEvent,
    WorkerEvent,
)
from engine.record.manifest import ModelFacts
from engine.record.messages import Answer, AtWork, Done, Fatal, Finished, Loaded, Loading, Ready, Result, Warn
from engine.record.seeking import Seeker
from engine.record.texts import TextRecord
from engine.record.trials import StageRecord, TrialRecord
from engine.runs import manifest
from engine.runs.artifacts import keep
from engine.runs.control import FINISH, NOW
from engine.runs.devices import MemoryMeter
from engine.runs.executor import Executor, Lost
from engine.runs.journal import Journal
from engine.runs.places import Place

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


@dataclass
class _UnderWay:
    """A `pack` that a worker is on. `left` are its trials without a record, in order; `begun` is when the first of them
    was turned to."""

    pack: Pack
    left: list[Trial]
    begun: float

    @property
    def trial(self) -> Trial:
        """The one at hand."""
        return self.left[0]


class Dispatcher:
    """Hands out the packs of one life of a run, from its start or resume to its end.

    Args:
        packs: all packs that are known beforehand; trials of them that the journal has are not run again.
        seeker: the searches that add others; what goes on with one comes before all else.
        attempts: workers that may be lost on one trial before it is recorded as failed.
        check: raises LesionError where the run directory is no longer there, or no longer this runner's to write.
    """

    def __init__(
        self,
        run: Path,
        packs: Sequence[Pack],
        seeker: Seeker,
        attempts: int,
        journal: Journal,
        executor: Executor,
        device: str,
        check: Callable[[], None],
    ) -> None:
        self._run = run
        self._check = check
        self._checked = _Pace(_CHECK_SECONDS)
        self._recorded = {record.trial for record in journal.records}
        left = [pack for pack in packs if any(map(self._is_left, pack.trials))]
        left += [Pack((trial,)) for trial in seeker.waiting]
        models = list(dict.fromkeys(pack.model for pack in packs))
        self._pending = deque(sorted(left, key=lambda pack: models.index(pack.model)))
        self._seeker = seeker
        self._known = sum(len(pack.trials) for pack in packs)
        self._attempts = attempts
        self._journal = journal
        self._executor = executor
        self._baselines = Baselines(journal.records)
        self._awaited = Counter(pack.model for pack in self._pending if pack.baseline)
        """How many baselines of a model are not recorded yet."""
        self._under_way: dict[Place, _UnderWay] = {}
        self._lost: Counter[str] = Counter()
        self._lost_starting: Counter[Place] = Counter()
        self._ready: set[Place] = set()
        """Where a worker has got as far as to accept a pack."""
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
                    self._journal.note(StateEvent(state="stopping"))
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

    def _is_left(self, trial: Trial) -> bool:
        return self._recorded.isdisjoint(trial.keys)

    def _hand_out(self) -> None:
        for place in self._executor.idle():
            pack = self._next(place)
            if pack is None:
                return
            left = [trial for trial in pack.trials if self._is_left(trial)]
            self._under_way[place] = _UnderWay(pack, left, time.time())
            before = set(self._executor.processes())
            self._executor.give(place, pack, {trial.key for trial in pack.trials} - {trial.key for trial in left})
            for process in set(self._executor.processes()) - before:
                self._journal.note(WorkerEvent(state="started", device=str(place), pid=process))
            self._begin(place)

    def _begin(self, place: Place) -> None:
        trial = self._under_way[place].trial
        self._journal.note(TrialEvent(trial=trial.key, index=trial.index, phase="begin"))

    def _next(self, place: Place) -> Pack | None:
        """The next pack in line, one of the model that the place has loaded where there is one. A damaged model waits
        for all of its baselines, from which its record tells the change: no record depends on what happened to be
        finished before it."""
        possible = [pack for pack in self._pending if pack.baseline or not self._awaited[pack.model]]
        loaded = self._executor.model(place)
        chosen = next((pack for pack in possible if pack.model == loaded), possible[0] if possible else None)
        if chosen is not None:
            self._pending.remove(chosen)
        return chosen

    def _listen(self, stopping: bool) -> None:
        happened = self._executor.poll(_TICK)
        if isinstance(happened, Lost):
            self._worker_lost(happened, stopping)
        elif happened is not None:
            self._worker_said(happened.place, happened.answer, stopping)

    def _worker_said(self, place: Place, answer: Answer, stopping: bool) -> None:
        match answer:
            case Ready():
                self._ready.add(place)
                self._lost_starting[place] = 0
                for remark in manifest.add_worker(self._run, answer.device, answer.facts):
                    self._journal.note(WarningEvent(text=remark))
            case Loading() | Loaded():
                self._model(answer)
            case AtWork() if place in self._under_way and self._progress.due():
                trial = self._under_way[place].trial
                self._journal.note(TrialEvent(trial=trial.key, index=trial.index, phase="progress", what=answer.what))
            case Warn():
                self._journal.note(WarningEvent(text=answer.text))
            case Done():
                self._done(place, answer, stopping)
            case Finished():
                self._under_way.pop(place, None)
            case Fatal() if place in self._ready or len(self._executor.places()) == 1:
                raise LesionError(answer.text)
            case Fatal():
                self._leave_out(place, answer.text)

    def _model(self, answer: Loading | Loaded) -> None:
        if isinstance(answer, Loading):
            self._journal.note(ModelEvent(model=answer.model))
            return
        facts: ModelFacts = {
            "revision": answer.revision,
            "digest": answer.digest,
            "parameters": answer.parameters,
            "dtype": answer.dtype,
        }
        manifest.add_model(self._run, answer.model, facts)
        told = {one.name: getattr(answer, one.name) for one in fields(Loaded) if one.name != "say"}
        self._journal.note(LoadedEvent(**told))

    def _done(self, place: Place, answer: Done, stopping: bool) -> None:
        """Record a trial, and turn to the next of its pack. A run that is to stop leaves the rest of a walk."""
        under_way = self._under_way[place]
        self._commit(under_way, answer.trial, answer.record, answer.generations, answer.files)
        if not under_way.left:
            return
        if stopping:
            self._executor.leave(place)
            del self._under_way[place]
        else:
            self._begin(place)

    def _commit(
        self,
        under_way: _UnderWay,
        key: str,
        result: Result,
        generations: Sequence[TextRecord] = (),
        artifacts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        trial = next(trial for trial in under_way.left if trial.key == key)
        record = _record(trial, under_way.begun, result)
        self._baselines.add(record)
        record = replace(record, change_pct=self._baselines.changes(record))
        self._check()
        keep(self._run, artifacts)
        self._journal.commit(record, generations)
        self._recorded.add(key)
        self._awaited[trial.model] -= trial.baseline
        under_way.left.remove(trial)
        under_way.begun = time.time()
        self._journal.note(TrialEvent(trial=key, index=trial.index, phase="end", status=result.status))
        self._go_on(record)

    def _go_on(self, record: TrialRecord) -> None:
        """What follows from a record for the searches."""
        before = self._seeker.most
        self._pending.extendleft(Pack((trial,)) for trial in self._seeker.take(record))
        if self._seeker.most != before:
            self._journal.note(PlanEvent(total=self._known + self._seeker.most))

    def _worker_lost(self, lost: Lost, stopping: bool) -> None:
        self._journal.note(WorkerEvent(state="lost", device=str(lost.place), text=lost.why))
        self._ready.discard(lost.place)
        under_way = self._under_way.get(lost.place)
        if lost.ready and under_way is not None and under_way.left:
            self._blame(under_way, lost, stopping)
        self._put_back(lost.place)
        self._lost_starting[lost.place] = 0 if lost.ready else self._lost_starting[lost.place] + 1
        if self._lost_starting[lost.place] >= _STARTS:
            never = f"no worker gets ready to run a trial, {_STARTS} tries in a row: {lost.why}"
            if len(self._executor.places()) == 1:
                raise LesionError(never)
            self._leave_out(lost.place, never)

    def _blame(self, under_way: _UnderWay, lost: Lost, stopping: bool) -> None:
        """A worker was lost on a trial: one too many makes it a failed one."""
        key = under_way.trial.key
        self._lost[key] += 1
        if self._lost[key] >= self._attempts and not stopping:
            times = f", worker number {self._lost[key]} lost on this trial" if self._lost[key] > 1 else ""
            self._commit(under_way, key, Result(status="failed", error=lost.why + times, device=str(lost.place)))

    def _put_back(self, place: Place) -> None:
        """What a place was on is next in line again, where something of it is left."""
        under_way = self._under_way.pop(place, None)
        if under_way is not None and under_way.left:
            self._pending.appendleft(under_way.pack)

    def _leave_out(self, place: Place, why: str) -> None:
        """Go on without a place, one of several."""
        self._put_back(place)
        self._executor.leave(place)
        self._journal.note(WarningEvent(text=f"{place} is left out, and the other places go on: {why}"))


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
            self._journal.note(WarningEvent(text=f"memory cannot be shown: {error}"))
            return
        self._journal.note(MemoryEvent(devices=devices))


def _record(trial: Trial, begun: float, result: Result) -> TrialRecord:
    """The line of trials.jsonl: which trial, and what became of it."""
    outcome = {one.name: getattr(result, one.name) for one in fields(Result)}
    if result.seconds is None:
        outcome["seconds"] = time.time() - begun
    return TrialRecord(
        trial=trial.key,
        index=trial.index,
        model=trial.model,
        baseline=trial.baseline,
        method=trial.method,
        group=trial.group,
        layers=trial.layers,
        level=trial.level,
        seed=trial.seed,
        heads=trial.heads,
        experts=trial.experts,
        options=trial.options or None,
        select=trial.select or None,
        before=_stages(trial.before),
        then=_stages(trial.then),
        started=datetime.fromtimestamp(begun, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        **outcome,
    )


def _stages(stages: Sequence[Stage]) -> tuple[StageRecord, ...] | None:
    """As the record has them, None where there are none."""
    made = (asdict(stage) for stage in stages)
    return tuple(StageRecord(**stage | {"options": stage["options"] or None}) for stage in made) or None
