"""How long a profile will take: by earlier runs of the same on a machine like this one where there are any, else by
estimate."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from engine.errors import LesionError
from engine.record.directory import read_profile, run_directories
from engine.record.manifest import Manifest, read_manifest
from engine.record.records import read_trials
from engine.runs import gpus
from engine.runs.devices import choose
from engine.runs.manifest import host
from engine.runs.survey import SurveyedModel

if TYPE_CHECKING:
    from engine.profile import Profile

_NEWEST = 30
"""Runs that are looked through."""
_START = 5.0
"""Seconds until the first model can be loaded."""
_LOADED = ("load_in", "quant_type", "double_quant", "device_map", "revision")
"""What decides, beside dtype and device, how a model lies in memory."""


@dataclass(frozen=True)
class Expected:
    """About how long a profile takes, in seconds. `models`: a trial of each; `runs`: the names of the earlier runs that
    told it, by model."""

    seconds: float
    models: dict[str, float]
    runs: dict[str, str]

    @property
    def basis(self) -> str:
        """Where it comes from, in words: "as run 20261121-1432-demo-3f9c took"."""
        guess = "by a short test of this host's speed"
        if not self.runs:
            return guess
        names = list(dict.fromkeys(self.runs.values()))
        took = f"as {'run' if len(names) == 1 else 'runs'} {', '.join(names)} took"
        if len(self.runs) == len(self.models):
            return took
        return f"{guess}, and {took} for {', '.join(name.rpartition('/')[2] for name in self.runs)}"


def expected(
    profile: "Profile", counts: Mapping[str, int], surveyed: Iterable[SurveyedModel], results: Path
) -> Expected:
    """What a profile with so many trials of each model will take; models that cannot be used are left out."""
    usable = {model.name: model for model in surveyed if not model.error}
    earlier = _earlier(profile, {name: model.dtype for name, model in usable.items()}, results)
    each = {name: earlier[name][1] if name in earlier else model.trial_seconds for name, model in usable.items()}
    run = {name: seconds for name, seconds in each.items() if counts.get(name)}
    total = sum(counts[name] * seconds + usable[name].load_seconds for name, seconds in run.items())
    return Expected(_START + total, each, {name: earlier[name][0] for name in each if name in earlier})


def _earlier(profile: "Profile", dtypes: Mapping[str, str], results: Path) -> dict[str, tuple[str, float]]:
    """Of each model the newest run, in `results`, that measured the same on it in the same way: its name, and the
    median time of a trial."""
    newest: dict[str, tuple[str, float]] = {}
    for run in run_directories(results)[:_NEWEST]:
        with suppress(LesionError):  # another run's fault is no business of this profile
            times = _times(run, profile, dtypes)
            newest = {model: (run.name, median(seconds)) for model, seconds in times.items()} | newest
    return newest


def _times(run: Path, profile: "Profile", dtypes: Mapping[str, str]) -> dict[str, list[float]]:
    """By model the seconds of the run's trials, where they tell how long those of `profile` will take here.

    Raises LesionError where the run cannot be read.
    """
    from engine.profile.writing import threads

    manifest, before = read_manifest(run), read_profile(run)
    if not _same_machine(manifest) or not _same_work(before, profile):
        return {}
    device, cores = choose(profile.model.device), threads(profile)
    held = {model: facts.get("dtype") for model, facts in manifest.get("models", {}).items()}
    alike = {model for model, dtype in dtypes.items() if held.get(model) == dtype}
    times: dict[str, list[float]] = {}
    for record in read_trials(run):
        if record.status != "ok" or record.model not in alike or record.seconds is None:
            continue
        if record.threads == cores and _same_device(manifest, str(record.device), device):
            times.setdefault(record.model, []).append(record.seconds)
    return times


def _same_machine(manifest: Manifest) -> bool:
    """Whether every start of the run was on this host, with this processor."""
    moved = {key for start in manifest.get("started", []) for key in start.get("changed", {})}
    return all(manifest.get(key) == value and key not in moved for key, value in host().items())


def _same_work(before: "Profile", profile: "Profile") -> bool:
    """Whether two profiles measure the same texts in the same way, on models held in the same form."""
    from engine.profile.keys import measure_identity

    if any(getattr(before.model, key) != getattr(profile.model, key) for key in _LOADED):
        return False
    if [one.name for one in before.measure] != [one.name for one in profile.measure]:
        return False
    if before.run.reuse != profile.run.reuse:
        return False
    return before.measure == profile.measure or all(
        measure_identity(one, Path(), {}) == measure_identity(other, Path(), {})
        for one, other in zip(before.measure, profile.measure, strict=True)
    )


def _same_device(manifest: Manifest, used: str, device: str) -> bool:
    """Whether a trial was made on a device of the kind that `device` means here: the processor, or such a GPU."""
    if used.partition(":")[0] != device.partition(":")[0] or not device.startswith("cuda"):
        return used == device
    there: object = manifest.get("workers", {}).get(used, {}).get("gpus")
    first = there[0] if isinstance(there, list) and there and isinstance(there[0], dict) else {}
    try:
        here = gpus.seen()[int(device.partition(":")[2] or 0)].name
    except (LesionError, IndexError):
        return False
    return str(first.get("name")).removeprefix("NVIDIA ") == here
