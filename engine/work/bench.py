"""The trial loop: damage a model, measure it, put it back, and go on whatever happened."""

import gc
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from engine.errors import LesionError
from engine.models.exhaustion import is_out_of_memory
from engine.profile import Profile, Trial, made_on
from engine.profile.measures import batch_size
from engine.progress import Progress
from engine.record.lines import WriteError
from engine.work.batches import Batches
from engine.work.faults import sentence
from engine.work.gathered import Gathered
from engine.work.memory import Peak, devices_of, release
from engine.work.subject import Subject, measure_key

Say = Callable[[dict[str, Any]], None]
"""Sends one message to the runner."""

Result = tuple[dict[str, Any], list[dict[str, Any]]]
"""A trial's record and its generated texts."""

_PROGRESS_SECONDS = 0.2


class _OutOfMemoryError(Exception):
    """An attempt at a trial ran out of memory. `measure`: the measurement whose batch was too large, if it was one."""

    def __init__(self, measure: str | None) -> None:
        self.measure = measure


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
        batch: dict[str, dict[str, int]] | None = None,
        places: dict[str, str] | None = None,
    ) -> None:
        self._profile = profile
        self._folder = folder
        self._device = device
        self._say = say
        self._trust_remote_code = trust_remote_code
        self._places = places or {}
        self._batches = Batches(_batch_sizes(profile), batch or {})
        self._peak = Peak(device)
        self._use: dict[str, float] = {}
        """The largest share of the memory in use during each measurement of the latest attempt."""
        self._model: str | None = None
        self._subject: Subject | None = None
        self._refusal = {"status": "failed", "error": ""}

    def run(self, trial: Trial) -> Result:
        """Run one trial. Whatever goes wrong with it is in its record: `status` "oom" or "failed", and `error`.

        Raises:
            WeightsNotRestoredError: the model differs from what was loaded after it was put back.
            WriteError: an artifact could not be written; the trial then left nothing.
        """
        if self._model != trial.model:
            self._turn_to(trial.model)
        if self._subject is None:
            return self._record(**self._refusal), []
        self._peak = Peak(*devices_of(self._subject.loaded.model))
        begun = time.perf_counter()
        record, texts = self._persist(trial, self._subject)
        whose = {name: getattr(trial, name) for name in ("model", "method", "group", "level", "seed")}
        if record["status"] == "ok":
            self._warn(self._batches.follow(trial.model, self._use))
        record = {"seconds": time.perf_counter() - begun} | record | {"peak_bytes": self._peak.bytes()}
        return record, [{"trial": trial.key} | text | whose for text in texts]

    def _persist(self, trial: Trial, subject: Subject) -> Result:
        """Attempt the trial, again with smaller batches for as long as memory runs out and there are any."""
        while True:
            result: Result | None = None
            fault: dict[str, str] = {}
            culprit: str | None = None
            try:
                result = self._attempt(trial, subject)
            except _OutOfMemoryError as exhausted:
                culprit = exhausted.measure
                what = f"{culprit} at batch size 1" if culprit else f"damaging {trial.group}"
                place = ", ".join(map(str, devices_of(subject.loaded.model)))
                fault = {"status": "oom", "error": f"out of memory: {what} does not fit on {place}"}
            except WriteError:
                raise  # no fault of the trial's, which is to run again
            except LesionError as mistake:
                fault = {"status": "failed", "error": str(mistake)}
            except Exception as unexpected:
                traceback.print_exc(file=sys.stderr)
                fault = {"status": "failed", "error": sentence(unexpected)}
            if result is None:
                release(self._device)  # only here, where the exception no longer holds on to what did not fit
            subject.restore()
            if result is not None:
                return result
            if fault["status"] == "oom" and self._stop_reusing(subject):
                continue
            if culprit is None or not self._halve(trial.model, culprit):
                return self._record(**fault), []

    def _attempt(self, trial: Trial, subject: Subject) -> Result:
        sizes = self._batches.of(trial.model)
        self._use = {}
        for key, measurement in subject.measurements.items():
            with _blaming(key):
                measurement.prepare(sizes[key], self._progress(trial, f"{key} of the baseline"))
        begun = time.perf_counter()
        method = trial.method if trial.method in sizes else None
        with _blaming(method):
            damaged = subject.damage(trial, sizes.get(trial.method, 1), self._progress(trial, trial.method))
        gathered = Gathered(trial, damaged)
        made = {measure_key(spec): spec for spec in self._profile.measure if made_on(spec, trial.baseline)}
        for key, spec in made.items():
            with _blaming(key):
                measured = subject.measure(key, trial.seed, sizes[key], self._progress(trial, key))
            self._use[key] = self._peak.share()
            gathered.add(key, spec, measured)
        found: dict[str, Any] = {"metrics": gathered.metrics, "texts": len(gathered.texts), "touched": damaged.touched}
        found |= {"batch": {key: sizes[key] for key in [*made, *filter(None, [method])]}}
        found |= {"seconds": time.perf_counter() - begun}
        if files := gathered.keep(self._folder):
            found["artifacts"] = files
        return self._record(**found), gathered.texts

    def _turn_to(self, name: str) -> None:
        """Load another model in place of the one at hand. One that cannot be loaded is not tried again."""
        self._model, self._subject = name, None
        release(self._device)
        self._say({"say": "model", "model": name, "state": "loading"})
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
            self._refusal = {"status": "failed", "error": str(mistake)}
        except Exception as unexpected:
            traceback.print_exc(file=sys.stderr)
            if is_out_of_memory(unexpected):
                self._refusal = {"status": "oom", "error": f"out of memory: {name} does not fit on {self._device}"}
            else:
                self._refusal = {"status": "failed", "error": f"{name} cannot be loaded: {sentence(unexpected)}"}
        gc.collect()
        if self._subject is not None:
            self._announce(self._subject, time.perf_counter() - begun)

    def _announce(self, subject: Subject, seconds: float) -> None:
        loaded = subject.loaded
        message = {"say": "model", "model": loaded.name, "state": "ready", "seconds": seconds}
        message |= {"revision": loaded.revision, "digest": loaded.digest, "parameters": subject.parameters}
        self._say(message | {"dtype": str(loaded.dtype).removeprefix("torch.")})
        for notes in (subject.notes, *(measurement.notes for measurement in subject.measurements.values())):
            self._warn(notes)

    def _stop_reusing(self, subject: Subject) -> bool:
        """Free what is kept between trials for good; False where that frees nothing of the memory that ran out."""
        freed = subject.stop_reusing() if self._device.type == "cpu" else 0
        if freed:
            text = f"out of memory, so every trial now computes all layers; {freed / 2**20:.1f} MiB freed"
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
            self._say({"say": "warning", "text": text})

    def _progress(self, trial: Trial, what: str) -> Progress:
        said = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal said
            if time.monotonic() - said >= _PROGRESS_SECONDS:
                said = time.monotonic()
                self._say({"say": "progress", "trial": trial.key, "what": f"{what} {done}/{total}"})

        return progress

    def _record(self, **known: Any) -> dict[str, Any]:
        """A trial's record: what every one says, and what is known of this one."""
        record: dict[str, Any] = {"status": "ok", "metrics": {}, "texts": 0, "touched": 0, "error": None}
        record["parameters"] = self._subject.parameters if self._subject else None
        record["batch"] = self._batches.of(self._subject.loaded.name) if self._subject else {}
        record |= {"seconds": 0.0, "peak_bytes": None} if self._subject is None else {}
        return record | {"device": str(self._device), "threads": torch.get_num_threads()} | known


def _batch_sizes(profile: Profile) -> dict[str, int]:
    """How many inputs every measurement takes together, and every method that reads, by key and by name."""
    methods = {damage.method: int(size) for damage in profile.damage if (size := damage.options.get("batch_size"))}
    return methods | {measure_key(spec): batch_size(spec) for spec in profile.measure}


@contextmanager
def _blaming(key: str | None) -> Iterator[None]:
    """Turn running out of memory into an _OutOfMemoryError that names the measurement it happened in."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise _OutOfMemoryError(key) from None
        raise
