"""How long a profile will take: by earlier runs of the same measurements where there are any, else by estimate."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from engine.errors import LesionError
from engine.runs.directory import read_profile, run_directories
from engine.runs.records import read_trials
from engine.runs.survey import SurveyedModel

if TYPE_CHECKING:
    from engine.profile import Profile

_NEWEST = 30
"""Runs that are looked through."""
_START = 5.0
"""Seconds until the first model can be loaded."""


@dataclass(frozen=True)
class Expected:
    """About how long a profile takes, in seconds. `models`: a trial of each; `known`: models timed in earlier runs."""

    seconds: float
    models: dict[str, float]
    known: tuple[str, ...]


def expected(
    profile: "Profile", counts: Mapping[str, int], surveyed: Iterable[SurveyedModel], results: Path
) -> Expected:
    """What a profile with so many trials of each model will take; models that cannot be used are left out."""
    earlier = _earlier(profile, results)
    usable = {model.name: model for model in surveyed if not model.error}
    each = {name: earlier.get(name, model.trial_seconds) for name, model in usable.items()}
    run = {name: seconds for name, seconds in each.items() if counts.get(name)}
    total = sum(counts[name] * seconds + usable[name].load_seconds for name, seconds in run.items())
    return Expected(_START + total, each, tuple(name for name in each if name in earlier))


def _earlier(profile: "Profile", results: Path) -> dict[str, float]:
    """The median time of a trial of each model in the newest run, in `results`, that measured the same on it."""
    found: dict[str, float] = {}
    for run in run_directories(results)[:_NEWEST]:
        try:
            before = read_profile(run)
            if (before.measure, before.model.dtype) != (profile.measure, profile.model.dtype):
                continue
            seconds: dict[str, list[float]] = {}
            for record in read_trials(run):
                took = record.get("seconds")
                if (
                    record["status"] == "ok"
                    and record["model"] in profile.model.names
                    and isinstance(took, int | float)
                ):
                    seconds.setdefault(record["model"], []).append(took)
        except LesionError:  # another run's fault is no business of this profile
            continue
        found = {model: median(times) for model, times in seconds.items()} | found
    return found
