"""The grid: a profile turned into trials."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import catalog
from engine.profile.damage import Damage
from engine.profile.inputs import inputs_of
from engine.profile.keys import Keys
from engine.profile.layers import Layers
from engine.profile.options import unusual
from engine.profile.packing import requantising
from engine.profile.schema import Profile
from engine.profile.versions import Versions, changed, versions


@dataclass(frozen=True)
class Stage:
    """What is done to the model of a trial before, or after, the damage that the trial is about; fields as there."""

    method: str
    group: str
    layers: Layers | None
    level: float
    heads: Layers | None = None
    experts: Layers | None = None
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    select: dict[str, Any] | None = field(default=None, hash=False)


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
    before: tuple[Stage, ...] = ()
    then: tuple[Stage, ...] = ()
    former_keys: tuple[str, ...] = field(default=(), compare=False)
    """Under which it may have been recorded with earlier versions of what makes its numbers."""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Trial":
        """A trial that went through JSON, from its fields."""
        stages = {key: tuple(Stage(**_tuples(stage)) for stage in fields.get(key, ())) for key in ("before", "then")}
        return cls(**_tuples(fields) | stages)

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that a record of it may have, its own first."""
        return (self.key, *self.former_keys)


def seeds(profile: Profile) -> list[int]:
    """Every seed of the profile, in order."""
    first = profile.seeds.base + profile.seeds.offset
    return list(range(first, first + profile.seeds.count))


def trials(profile: Profile, folder: Path = Path(), earlier: Sequence[Versions] = ()) -> list[Trial]:
    """All trials in order: models, each with its baselines (one, or one a seed where a measurement draws), for packed
    models the same of each place with `requantise`, then seeds, damage tables (with each_layer: their layers), groups,
    levels.

    `earlier` are versions under which some of them may have been recorded: see `Trial.former_keys`. Reads the texts
    that measurements use; relative paths start from `folder`. Raises LesionError where one cannot be read.
    """
    now = versions(profile)
    others = [noted for noted in earlier if changed(noted, now)]
    damages = [single for table in profile.damage for single in table.singles]
    keys = [Keys(profile, damages, folder, noted) for noted in (now, *others)]
    variants = {id(damage): _variant(damage, folder) for damage in damages}
    every: list[Trial] = []
    for model in profile.model.names:
        for damage, group, level, seed in _cells(profile, damages):
            key, *former = dict.fromkeys(each.key(model, damage, group, level, seed) for each in keys)
            method = damage.method if damage else "none"
            layers, heads, experts = (damage.layers, damage.heads, damage.experts) if damage else (None, None, None)
            place = (key, len(every), model, damage is None)
            more = variants.get(id(damage), {}) | {"former_keys": tuple(former)}
            every.append(Trial(*place, method, group, layers, level, seed, heads, experts, **more))
    return every


def _cells(profile: Profile, damages: list[Damage]) -> Iterator[tuple[Damage | None, str | None, float | None, int]]:
    """The grid of one model. The method none adds nothing: it is the baseline."""
    every = seeds(profile)
    undamaged = every if any(measure.draws for measure in profile.measure) else every[:1]
    for seed in undamaged:
        yield None, None, None, seed
    for damage, group in requantising(profile.model, profile.damage):
        for seed in undamaged:
            yield damage, group, None, seed
    for seed in every:
        for damage in damages:
            for group in damage.groups:
                for level in damage.levels:
                    yield damage, group, level, seed


def _variant(damage: Damage, folder: Path) -> dict[str, Any]:
    """The method's options where they are not its defaults, and the selection where there is one, as a trial has
    them."""
    select = damage.select.identity if damage.select else None
    if damage.select and select and (own := damage.select.own_text):
        select |= {"text": _near(own, folder)}
    options = unusual(catalog.method(damage.method), damage.options)
    inputs = {key for key, kind in inputs_of(type(damage.typed_options)).items() if kind.is_own(options.get(key))}
    options |= {key: _near(options[key], folder) for key in inputs}
    variant: dict[str, Any] = {"options": options, "select": select}
    chain = {"before": damage.before, "then": damage.then}
    variant |= {key: tuple(stage_of(stage, folder) for stage in stages) for key, stages in chain.items()}
    return {key: value for key, value in variant.items() if value}


def stage_of(damage: Damage, folder: Path = Path()) -> Stage:
    """What a damage of one group and one level does before or after another; paths start from `folder`."""
    [group], [level] = damage.groups, damage.levels
    place = (damage.method, group, damage.layers, level, damage.heads, damage.experts)
    return Stage(*place, **_variant(damage, folder))


def _tuples(fields: Mapping[str, Any]) -> dict[str, Any]:
    """With layers, heads, experts and keys as tuples again."""
    numbers = ("layers", "heads", "experts", "former_keys")
    return dict(fields) | {key: tuple(fields[key]) for key in numbers if isinstance(fields.get(key), list)}


def _near(path: str, folder: Path) -> str:
    """A path as it is from the folder, where it lies in it."""
    near = os.path.relpath(path, folder.absolute())
    return path if near.startswith(os.pardir) else near
