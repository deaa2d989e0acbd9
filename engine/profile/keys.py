"""A trial's key: a hash of exactly what determines its result.

Texts, prompts and models in folders count by content, never by their place; of packages and of what makes numbers the
version counts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine import catalog
from engine.profile.damage import Damage
from engine.profile.hashing import digest
from engine.profile.layers import same_layers
from engine.profile.measures import Measure
from engine.profile.options import unusual
from engine.profile.packing import loading_identity
from engine.profile.schema import Profile
from engine.profile.texts import documents
from engine.profile.versions import (
    DRAWS,
    SAMPLER,
    Versions,
    beyond_first,
    measurement,
    score,
    selected_by,
)

VERSIONS = "versions"


class Keys:
    """Makes the keys of trials of a profile and of these `damages`, as they are where `noted` are the versions of what
    makes numbers.

    Reads the texts that measurements use; relative paths start from `folder`. Raises LesionError where one cannot be
    read.
    """

    def __init__(self, profile: Profile, damages: Sequence[Damage], folder: Path, noted: Versions) -> None:
        self._spec = profile.model
        self._noted = noted
        self._measures = [(measure, measure_identity(measure, folder, noted)) for measure in profile.measure]
        self._damages = damages  # while they live, no other object has their ids
        self._identities = {id(damage): _chain_identity(damage, folder, noted) for damage in damages}

    def key(self, model: str, damage: Damage | None, group: str | None, level: float | None, seed: int) -> str:
        """The key of one trial, 16 hexadecimal digits; without `damage`, of a baseline."""
        spec = self._spec
        what = {
            "model": spec.identity(model),
            "revision": spec.revision,
            "dtype": spec.dtype,
            "load_in": spec.load_in,
            **loading_identity(spec),
            "draws": self._noted.get(DRAWS, 1),
            "method": damage.method if damage else "none",
            "group": group,
            "layers": same_layers(damage.layers if damage else None),
            "level": level,
            "seed": seed,
            "measures": [content for measure, content in self._measures if measure.made_on(damage is None)],
        }
        return digest(what | _narrowing_identity(damage) | self._identities.get(id(damage), {}))[:16]


def check_texts(profile: Profile) -> None:
    """Raises LesionError where a text, prompt, question or picture that `profile` names cannot be read."""
    Keys(profile, [single for table in profile.damage for single in table.singles], Path(), {})


def _narrowing_identity(damage: Damage | None) -> dict[str, Any]:
    """Heads and experts, where they are given."""
    narrowed = {"heads": damage.heads, "experts": damage.experts} if damage else {}
    return {key: same_layers(value) for key, value in narrowed.items() if value is not None}


def _damage_identity(damage: Damage, folder: Path, noted: Versions) -> dict[str, Any]:
    """The method's options where they are not its defaults, the selection where there is one, with a text of the user's
    by content, and the packages, with their versions, whose code decides what the damage does."""
    select = damage.select.identity if damage.select else None
    if damage.select and select and damage.select.own_text:
        known = {key: value for key, value in select.items() if key not in ("text", "documents")}
        select = known | {"content": digest(documents(damage.select, folder))}
    chosen_by = selected_by(damage)
    packages = [catalog.method(damage.method).package, *(catalog.score(name).package for name in chosen_by)]
    identity = {
        "options": unusual(catalog.method(damage.method), damage.options) | damage.typed_options.content(folder),
        "select": select,
        "packages": [package for package in packages if package],
        VERSIONS: beyond_first(map(score, chosen_by), noted),
    }
    return {key: value for key, value in identity.items() if value}


def _chain_identity(damage: Damage, folder: Path, noted: Versions) -> dict[str, Any]:
    """Of a damage and, where there are any, of the stages before and after it."""
    stages = {"before": damage.before, "then": damage.then}
    chain = {key: [_stage_identity(stage, folder, noted) for stage in some] for key, some in stages.items() if some}
    return _damage_identity(damage, folder, noted) | chain


def _stage_identity(stage: Damage, folder: Path, noted: Versions) -> dict[str, Any]:
    place = {"method": stage.method, "group": stage.groups[0], "layers": same_layers(stage.layers)}
    return place | {"level": stage.levels[0]} | _narrowing_identity(stage) | _damage_identity(stage, folder, noted)


def measure_identity(measure: Measure, folder: Path, noted: Versions) -> dict[str, Any]:
    """What a measurement's result depends on: its options, with texts and prompts by content instead of by name, and
    the packages and versions, those `noted`, of what makes it. Relative paths start from `folder`.

    Raises LesionError where a text cannot be read.
    """
    scores = measure.ranked_by
    packages = [catalog.measurement(measure.name).package, *(catalog.score(name).package for name in scores)]
    used = [measurement(measure.name), *map(score, scores), *([SAMPLER] if measure.sampled else [])]
    identity = {"packages": [package for package in packages if package], VERSIONS: beyond_first(used, noted)}
    return measure.identity(folder) | {key: value for key, value in identity.items() if value}
