"""The trial loop: damage a model, measure it, put it back, and go on whatever happened."""

import gc
import sys
import time
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from engine.errors import LesionError
from engine.methods import Damaged
from engine.models.exhaustion import is_out_of_memory
from engine.profile import Profile, Trial
from engine.progress import Progress
from engine.record.messages import Loaded, Loading, Result, Warn
from engine.record.texts import TextRecord
from engine.record.trials import Status
from engine.units import size
from engine.work.batches import Batches
from engine.work.gathered import Gathered
from engine.work.memory import Peak, devices_of, release
from engine.work.subject import Subject
from engine.work.telling import Say, Telling
from engine.work.unexpected import sentence


@dataclass(frozen=True)
class Outcome:
    """What became of a trial: its result, its generated texts, and the content of its files by their names in the run
    directory."""

    result: Result
    texts: Sequence[TextRecord] = ()
    files: dict[str, str] = field(default_factory=dict)


class _OutOfMemoryError(Exception):
    """Memory ran out on the way to, or in, a trial. `what` is the measurement or the method whose batch was too large;
    None where no batch was."""

    def __init__(self, what: str | None) -> None:
        self.what = what


class _LostOnTheWayError(Exception):
    """The damage itself went wrong, with `text`: no later level of a walk will be reached."""

    def __init__(self, text: str) -> None:
        self.text = text


class Bench:
    """Where trials run, one model at a time.

    Args:
        batch: batch sizes that fitted before, by model and measurement. The profile's sizes are where there is none.
        places: where the files of models lie, by the models' names in trials, where it is not there.
    """

    def __init__(
        self,
        profile: Profile,
        folder: Path,
        device: torch.device,
        say: Say,
        *,
        trust_remote_code: bool = False,
        batch: Mapping[str, Mapping[str, int]] | None = None,
        places: Mapping[str, str] | None = None,
    ) -> None:
        self._profile = profile
        self._folder = folder
        self._device = device
        self._say = say
        self._trust_remote_code = trust_remote_code
        self._places = places or {}
        self._batches = Batches(_batch_sizes(profile), batch or {})
        self._peak = Peak(device)
        self._begun = time.perf_counter()
        """When the work on the trial at hand began."""
        self._use: dict[str, float] = {}
        """The largest share of the memory in use during each measurement of the latest attempt."""
        self._model: str | None = None
        self._subject: Subject | None = None
        self._refused: Status = "failed"
        self._refusal = ""
        """Why the model at hand could not be loaded."""

    def run(self, pack: Sequence[Trial], recorded: Collection[str] = ()) -> Iterator[tuple[Trial, Outcome]]:
        """Run the trials of a pack, all of one model, but those whose keys are `recorded` already. Whatever goes wrong
        with one is in its result: `status` "oom" or "failed", and `error`.

        Raises WeightsNotRestoredError where the model differs from what was loaded after it was put back.
        """
        if self._model != pack[0].model:
            self._turn_to(pack[0].model)
        left = [trial for trial in pack if trial.key not in recorded]
        if self._subject is None:
            yield from [(trial, Outcome(self._result(self._refused, self._refusal))) for trial in left]
            return
        while left:
            for trial, outcome in self._pass(pack, tuple(left), self._subject):
                left.remove(trial)
                yield trial, outcome

    def _pass(self, pack: Sequence[Trial], left: Sequence[Trial], subject: Subject) -> Iterator[tuple[Trial, Outcome]]:
        """Go through the pack once. Where memory runs out and something can be made smaller, that ends it early. A
        trial that is alone is told when the model is whole again; those of a walk, as it comes by."""
        rest = list(left)
        told: list[tuple[Trial, Outcome]] = []
        exhausted: str | None = ""
        try:
            for trial, outcome in self._through(pack, rest, subject):
                rest.remove(trial)
                told.append((trial, outcome))
                if len(pack) > 1:
                    yield told.pop()
        except _OutOfMemoryError as error:
            exhausted = error.what
        except _LostOnTheWayError as error:
            told += [(trial, Outcome(self._result("failed", error.text))) for trial in rest]
            rest = []
        if rest or any(outcome.result.status != "ok" for _, outcome in told):
            release(self._device)  # only here, where no exception holds on to what did not fit
        subject.restore()
        yield from told
        if rest and not self._make_smaller(rest[0].model, exhausted, subject):
            fault = self._result("oom", self._too_large(exhausted, rest[0], subject))
            walk_ends = exhausted is None or exhausted == rest[0].method
            yield from [(trial, Outcome(fault)) for trial in (rest if walk_ends else rest[:1])]

    def _through(
        self, pack: Sequence[Trial], left: Collection[Trial], subject: Subject
    ) -> Iterator[tuple[Trial, Outcome]]:
        """Prepare the measurements, damage the model step by step, and measure where something is left to measure."""
        sizes = self._batches.of(pack[0].model)
        self._start(subject)
        for key, measurement in subject.measurements.items():
            with _blaming(key):
                measurement.prepare(sizes[key], self._progress(pack[0], f"{key} of the baseline"))
        self._begun = time.perf_counter()
        about = next(trial for trial in pack if trial in left)
        telling = Telling(self._say, about.key, about.method)
        steps = subject.damage(pack, sizes.get(about.method, 1), telling.progress, telling.note)
        for trial in pack:
            damaged = self._next(steps, trial, sizes)
            if trial in left:
                yield trial, self._outcome(trial, damaged, subject)
                self._start(subject)

    def _start(self, subject: Subject) -> None:
        self._peak, self._use = Peak(*devices_of(subject.loaded.model)), {}
        self._begun = time.perf_counter()

    def _next(self, steps: Iterator[Damaged], trial: Trial, sizes: dict[str, int]) -> Damaged:
        try:
            with _blaming(trial.method if trial.method in sizes else None):
                return next(steps)
        except _OutOfMemoryError:
            raise
        except LesionError as mistake:
            raise _LostOnTheWayError(str(mistake)) from None
        except Exception as unexpected:
            traceback.print_exc(file=sys.stderr)
            raise _LostOnTheWayError(sentence(unexpected)) from None

    def _outcome(self, trial: Trial, damaged: Damaged, subject: Subject) -> Outcome:
        try:
            outcome = self._measure(trial, damaged, subject)
        except _OutOfMemoryError:
            raise
        except LesionError as mistake:
            return Outcome(self._result("failed", str(mistake)))
        except Exception as unexpected:
            traceback.print_exc(file=sys.stderr)
            return Outcome(self._result("failed", sentence(unexpected)))
        self._warn(self._batches.follow(trial.model, self._use))
        return outcome

    def _measure(self, trial: Trial, damaged: Damaged, subject: Subject) -> Outcome:
        sizes = self._batches.of(trial.model)
        gathered = Gathered(trial, damaged)
        made = {spec.key: spec for spec in self._profile.measure if spec.made_on(trial.baseline)}
        for key, spec in made.items():
            with _blaming(key):
                measured = subject.measure(key, trial.seed, sizes[key], self._progress(trial, key))
            self._use[key] = self._peak.share()
            gathered.add(key, spec, measured)
        files = gathered.files()
        result = replace(
            self._result("ok"),
            metrics=gathered.metrics,
            texts=len(gathered.texts),
            touched=damaged.touched,
            batch={key: sizes[key] for key in (*made, trial.method) if key in sizes},
            artifacts=tuple(files) or None,
        )
        for typed in (result, *gathered.texts):  # what a package found may be nothing that a record can hold
            typed.check()
        return Outcome(result, gathered.texts, files)

    def _too_large(self, what: str | None, trial: Trial, subject: Subject) -> str:
        culprit = f"{what} at batch size 1" if what else f"damaging {trial.group}"
        return f"out of memory: {culprit} does not fit on {', '.join(map(str, devices_of(subject.loaded.model)))}"

    def _make_smaller(self, model: str, what: str | None, subject: Subject) -> bool:
        """Make room after memory ran out: by keeping nothing between trials, or by a smaller batch of `what`."""
        return self._stop_reusing(subject) or (what is not None and self._halve(model, what))

    def _turn_to(self, name: str) -> None:
        """Load another model in place of the one at hand. One that cannot be loaded is not tried again."""
        self._model, self._subject = name, None
        release(self._device)
        self._say(Loading(model=name))
        begun = time.perf_counter()
        try:
            self._subject = Subject(
                self._profile,
                name,
                self._folder,
                self._device,
                place=self._places.get(name),
                trust_remote_code=self._trust_remote_code,
            )
        except LesionError as mistake:
            self._refused, self._refusal = "failed", str(mistake)
        except Exception as unexpected:
            traceback.print_exc(file=sys.stderr)
            if is_out_of_memory(unexpected):
                self._refused, self._refusal = "oom", f"out of memory: {name} does not fit on {self._device}"
            else:
                self._refused, self._refusal = "failed", f"{name} cannot be loaded: {sentence(unexpected)}"
        gc.collect()
        if self._subject is not None:
            self._announce(self._subject, time.perf_counter() - begun)

    def _announce(self, subject: Subject, seconds: float) -> None:
        loaded = subject.loaded
        answer = Loaded(
            model=loaded.name,
            seconds=seconds,
            revision=loaded.revision,
            digest=loaded.digest,
            parameters=subject.parameters,
            dtype=str(loaded.dtype).removeprefix("torch."),
        )
        self._say(answer)
        for notes in (subject.notes, *(measurement.notes for measurement in subject.measurements.values())):
            self._warn(notes)

    def _stop_reusing(self, subject: Subject) -> bool:
        """Free what is kept between trials for good; False where that frees nothing of the memory that ran out."""
        freed = subject.stop_reusing() if self._device.type == "cpu" else 0
        if freed:
            text = f"out of memory, so every trial now computes all layers; {size(freed)} freed"
            self._warn([f"{subject.loaded.name}: {text}"])
        return freed > 0

    def _halve(self, model: str, key: str) -> bool:
        """Halve a measurement's batch size for this model from now on; False when it is 1 already."""
        if not self._batches.halve(model, key):
            return False
        self._warn([f"{model}: out of memory in {key}, now in batches of {self._batches.of(model)[key]}"])
        return True

    def _warn(self, sentences: Iterable[str]) -> None:
        for text in sentences:
            self._say(Warn(text=text))

    def _progress(self, trial: Trial, what: str) -> Progress:
        return Telling(self._say, trial.key, what).progress

    def _result(self, status: Status, error: str | None = None) -> Result:
        """What every trial's result says, without what was found."""
        subject = self._subject
        return Result(
            status=status,
            touched=0,
            error=error,
            parameters=subject.parameters if subject else None,
            batch=self._batches.of(subject.loaded.name) if subject else {},
            seconds=time.perf_counter() - self._begun if subject else 0.0,
            peak_bytes=self._peak.bytes() if subject else None,
            device=str(self._device),
            threads=torch.get_num_threads(),
        )


def _batch_sizes(profile: Profile) -> dict[str, int]:
    """How many inputs every measurement takes together, and every method that reads, by key and by name."""
    stages = [stage for damage in profile.damage for stage in damage.stages]
    methods = {stage.method: int(size) for stage in stages if (size := stage.options.get("batch_size"))}
    return methods | {spec.key: spec.rows for spec in profile.measure}


@contextmanager
def _blaming(key: str | None) -> Iterator[None]:
    """Turn running out of memory into an _OutOfMemoryError that names the measurement it happened in."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise _OutOfMemoryError(key) from None
        raise
