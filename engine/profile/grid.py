"""The grid: a profile turned into trials, each with a key that is a hash of exactly what determines its result."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine import catalog
from engine.profile import harness
from engine.profile.damage import Damage
from engine.profile.layers import Layers, same_layers
from engine.profile.measures import (
    GenerationMeasure,
    HarnessMeasure,
    Measure,
    PromptTable,
    RankingMeasure,
    SpectrumMeasure,
    TasksMeasure,
    TextTable,
    made_on,
)
from engine.profile.packing import loading_identity, requantising
from engine.profile.pictures import picture_bytes
from engine.profile.schema import Profile
from engine.profile.tasks import choices
from engine.profile.texts import documents, questions


@dataclass(frozen=True)
class Trial:
    """One model, method, group, level and seed. A baseline has the method "none" and neither group nor level."""

    key: str
    index: int
    model: str
    baseline: bool
    method: str
    group: str | None
    layers: Layers | None
    level: float | None
    seed: int
    heads: Layers | None = None
    experts: Layers | None = None
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    """Options of the method that differ from its defaults."""
    select: dict[str, Any] | None = field(default=None, hash=False)
    """Which weights are touched, as `Select.identity` has it; None: all. A file of the user's is relative to the run's
    directory where it lies in it."""


def seeds(profile: Profile) -> list[int]:
    """Every seed of the profile, in order."""
    first = profile.seeds.base + profile.seeds.offset
    return list(range(first, first + profile.seeds.count))


def draws(measure: Measure) -> bool:
    """Whether a measurement uses random numbers, so that it needs the trial's seed."""
    return measure.draws


def trials(profile: Profile, folder: Path = Path()) -> list[Trial]:
    """All trials in order: models, each with its baselines (one, or one a seed where a measurement draws), for packed
    models the same of each place with `requantise`, then seeds, damage tables (with each_layer: their layers), groups,
    levels.

    Reads the texts that measurements use; relative paths start from `folder`. Raises LesionError where one cannot be
    read.
    """
    measures = [(measure, _measure_identity(measure, folder)) for measure in profile.measure]
    damages = [single for table in profile.damage for single in table.singles]
    variants = {id(damage): _variant(damage, folder) for damage in damages}
    found: list[Trial] = []
    for model in profile.model.names:
        common = {
            "model": model,
            "revision": profile.model.revision,
            "dtype": profile.model.dtype,
            "load_in": profile.model.load_in,
            **loading_identity(profile.model),
            "draws": catalog.DRAW_VERSION,
        }
        for damage, group, level, seed in _cells(profile, damages):
            layers = damage.layers if damage else None
            method = damage.method if damage else "none"
            what = {"method": method, "group": group, "layers": same_layers(layers), "level": level, "seed": seed}
            extra, identity = variants.get(id(damage), ({}, {}))
            made = {"measures": [content for measure, content in measures if made_on(measure, damage is None)]}
            key = _digest({**common, **what, **made, **_narrowing_identity(damage), **identity})[:16]
            heads, experts = (damage.heads, damage.experts) if damage else (None, None)
            place = (key, len(found), model, damage is None)
            found.append(Trial(*place, method, group, layers, level, seed, heads, experts, **extra))
    return found


def _cells(profile: Profile, damages: list[Damage]) -> Iterator[tuple[Damage | None, str | None, float | None, int]]:
    """The grid of one model. The method none adds nothing: it is the baseline."""
    every = seeds(profile)
    undamaged = every if any(draws(measure) for measure in profile.measure) else every[:1]
    for seed in undamaged:
        yield None, None, None, seed
    for damage, group in requantising(profile):
        for seed in undamaged:
            yield damage, group, None, seed
    for seed in every:
        for damage in damages:
            for group in damage.groups:
                for level in damage.levels:
                    yield damage, group, level, seed


def _narrowing_identity(damage: Damage | None) -> dict[str, Any]:
    """Heads and experts, where they are given."""
    given = {"heads": damage.heads, "experts": damage.experts} if damage else {}
    return {key: same_layers(value) for key, value in given.items() if value is not None}


def _variant(damage: Damage, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The method's options where they are not its defaults, and the selection where there is one: as a trial has them,
    and what they are for its key, which holds a text of the user's by content."""
    options = catalog.method(damage.method).unusual(damage.options)
    select = damage.select.identity if damage.select else None
    given = {"options": options, "select": select}
    identity: dict[str, Any] = dict(given)
    if damage.select and select and (own := damage.select.own_text):
        near = os.path.relpath(own, folder.absolute())
        given["select"] = select | ({} if near.startswith(os.pardir) else {"text": near})
        known = {key: value for key, value in select.items() if key not in ("text", "documents")}
        identity["select"] = known | {"content": _digest(documents(damage.select, folder))}
    identity["packages"] = _packages(damage)
    return tuple({key: value for key, value in each.items() if value} for each in (given, identity))  # type: ignore[return-value]


def _packages(damage: Damage) -> list[str]:
    """The packages, with their versions, whose code decides what the damage does; Lesion's own is not among them."""
    score = damage.select.score if damage.select else None
    used = [catalog.method(damage.method).package, catalog.score(score).package if score else ""]
    return [package for package in used if package]


def _measure_identity(measure: Measure, folder: Path) -> dict[str, Any]:
    """What a measurement's result depends on: its options, with texts and prompts by content instead of by name, and
    the packages, with their versions, whose code makes it."""
    scores = measure.scores if isinstance(measure, RankingMeasure) else ()
    used = [catalog.measurement(measure.name).package, *(catalog.score(score).package for score in scores)]
    packages = [package for package in used if package]
    return _options_identity(measure, folder) | ({"packages": packages} if packages else {})


def _options_identity(measure: Measure, folder: Path) -> dict[str, Any]:
    if isinstance(measure, TextTable):
        options = measure.model_dump(mode="json", exclude={"text", "documents"})
        if isinstance(measure, SpectrumMeasure | RankingMeasure):
            options["layers"] = same_layers(measure.layers)
        return {**options, "content": _digest(documents(measure, folder))}
    if isinstance(measure, PromptTable):
        return _prompts_identity(measure, folder)
    if isinstance(measure, HarnessMeasure):
        options = measure.model_dump(mode="json", exclude={"include_path"})
        return {**options, **harness.identity(measure.include_path)}
    if isinstance(measure, TasksMeasure):
        options = measure.model_dump(mode="json", exclude={"task", "limit"})
        return {**options, "content": _digest([asdict(choice) for choice in choices(measure, folder)])}
    return measure.model_dump(mode="json")


def _prompts_identity(measure: PromptTable, folder: Path) -> dict[str, Any]:
    """Answers count only where there are any, and where texts are held against them."""
    idle = {"prompts", "limit"}
    asked = questions(measure, folder)
    content: dict[str, Any] = {"content": _digest([question.prompt for question in asked])}
    if isinstance(measure, GenerationMeasure):
        idle |= {"image"} | (set() if measure.sample else {"temperature"})
        if measure.image is not None:
            content["image"] = hashlib.sha256(picture_bytes(measure.image, folder)).hexdigest()
    compares = isinstance(measure, GenerationMeasure) or bool(catalog.measurement(measure.name).package)
    if compares and any(question.answers for question in asked):
        content["answers"] = _digest([question.answers for question in asked])
    return {**measure.model_dump(mode="json", exclude=idle), **content}


def _digest(value: Any) -> str:
    """sha256 of `value` as canonical JSON, in hexadecimal digits."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
