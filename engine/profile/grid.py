"""The grid: a profile turned into trials, each with a key that is a hash of exactly what determines its result."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import catalog
from engine.profile.damage import Damage
from engine.profile.layers import Layers, same_layers
from engine.profile.measures import GenerationMeasure, Measure, PerplexityMeasure
from engine.profile.schema import Profile
from engine.profile.texts import documents, prompts


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


def seeds(profile: Profile) -> list[int]:
    """Every seed of the profile, in order."""
    first = profile.seeds.base + profile.seeds.offset
    return list(range(first, first + profile.seeds.count))


def draws(measure: Measure) -> bool:
    """Whether a measurement uses random numbers, so that it needs the trial's seed."""
    return isinstance(measure, GenerationMeasure) and measure.sample


def trials(profile: Profile, folder: Path = Path()) -> list[Trial]:
    """All trials in order: models, each with its baselines (one, or one a seed where a measurement draws), then
    seeds, damage tables, groups, levels.

    Reads the texts that measurements use; relative paths start from `folder`. Raises LesionError where one cannot be
    read.
    """
    measures = [_measure_identity(measure, folder) for measure in profile.measure]
    found: list[Trial] = []
    for model in profile.model.names:
        common = {
            "model": model,
            "revision": profile.model.revision,
            "dtype": profile.model.dtype,
            "load_in": profile.model.load_in,
            "measures": measures,
            "draws": catalog.DRAW_VERSION,
        }
        for damage, group, level, seed in _cells(profile):
            layers = damage.layers if damage else None
            method = damage.method if damage else "none"
            what = {"method": method, "group": group, "layers": same_layers(layers), "level": level, "seed": seed}
            key = _digest({**common, **what})[:16]
            found.append(Trial(key, len(found), model, damage is None, method, group, layers, level, seed))
    return found


def _cells(profile: Profile) -> Iterator[tuple[Damage | None, str | None, float | None, int]]:
    """The grid of one model. The method none adds nothing: it is the baseline."""
    every = seeds(profile)
    for seed in every if any(draws(measure) for measure in profile.measure) else every[:1]:
        yield None, None, None, seed
    for seed in every:
        for damage in profile.damage:
            for group in damage.groups:
                for level in damage.levels:
                    yield damage, group, level, seed


def _measure_identity(measure: Measure, folder: Path) -> dict[str, Any]:
    """What a measurement's result depends on: its options, with texts and prompts by content instead of by name."""
    if isinstance(measure, PerplexityMeasure):
        options = measure.model_dump(exclude={"text", "documents"})
        return {**options, "content": _digest(documents(measure, folder))}
    options = measure.model_dump(
        exclude={"prompts", "limit"} if measure.sample else {"prompts", "limit", "temperature"}
    )
    return {**options, "content": _digest(prompts(measure, folder))}


def _digest(value: Any) -> str:
    """sha256 of `value` as canonical JSON, in hexadecimal digits."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
