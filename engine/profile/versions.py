"""The versions of what makes a profile's numbers: draws, sampler, measurements and scores.

Each grows when results change for the same weights, texts and options. A run notes those that it was made with; the key
of a trial holds those that its result depends on, and of version 1 says nothing.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from engine import catalog
from engine.profile.damage import Damage

if TYPE_CHECKING:
    from engine.profile.schema import Profile

Versions = dict[str, int]
"""By what it is: "draws", "sampler", "measurement perplexity", "score magnitude". What is not named has version 1."""

DRAWS, SAMPLER = "draws", "sampler"


def versions(profile: "Profile") -> Versions:
    """The versions in force here of what `profile` uses."""
    noted = {DRAWS: catalog.DRAW_VERSION}
    if any(measure.sampled for measure in profile.measure):
        noted[SAMPLER] = catalog.SAMPLER_VERSION
    for measure in profile.measure:
        noted[measurement(measure.name)] = catalog.measurement(measure.name).version
    scores = [name for measure in profile.measure for name in measure.ranked_by]
    scores += [name for damage in profile.damage for stage in damage.stages for name in selected_by(stage)]
    return noted | {score(name): catalog.score(name).version for name in scores}


def measurement(name: str) -> str:
    """What the version of a measurement is called."""
    return f"measurement {name}"


def score(name: str) -> str:
    """What the version of a score is called."""
    return f"score {name}"


def selected_by(damage: Damage) -> tuple[str, ...]:
    """The score that chooses the weights of a damage, where one does."""
    return (damage.select.score,) if damage.select and damage.select.score else ()


def changed(earlier: Versions, later: Versions) -> Versions:
    """Of what `later` names: the versions that `earlier` had where they are others."""
    return {what: earlier.get(what, 1) for what, version in later.items() if earlier.get(what, 1) != version}


def beyond_first(used: Iterable[str], noted: Versions) -> Versions:
    """The versions of what is `used`, where they are not 1: what stands in a key."""
    return {what: noted[what] for what in used if noted.get(what, 1) != 1}


def in_words(before: Mapping[str, int | str], now: Mapping[str, int | str]) -> str:
    """`of the sampler and the measurement tasks 2 instead of 1`, for all that `before` names."""
    groups: dict[str, list[str]] = {}
    for what, version in before.items():
        groups.setdefault(f"{now[what]} instead of {version}", []).append(f"the {what}")
    return "; ".join(f"of {_listed(named)} {change}" for change, named in groups.items())


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
