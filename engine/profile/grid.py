"""The grid: a profile turned into trials."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine import catalog
from engine.profile.damage import Damage
from engine.profile.find import Axis, Find, Looked, look
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
    """Every seed of the profile that is known beforehand, in order."""
    return possible_seeds(profile)[: profile.seeds.count]


def possible_seeds(profile: Profile) -> list[int]:
    """Every seed that a cell may come to, in order."""
    first = profile.seeds.base + profile.seeds.offset
    return list(range(first, first + profile.seeds.most))


def trials(profile: Profile, folder: Path = Path(), earlier: Sequence[Versions] = ()) -> list[Trial]:
    """All trials that are known beforehand, in order: models, each with its baselines (one, or one a seed where a
    measurement draws), for packed models the same of each place with `requantise`, then seeds, damage tables (with
    each_layer: their layers), groups, levels.

    `earlier` are versions under which some of them may have been recorded: see `Trial.former_keys`. Reads the texts
    that measurements use; relative paths start from `folder`. Raises LesionError where one cannot be read.
    """
    return grid(profile, folder, earlier)[0]


def grid(
    profile: Profile, folder: Path = Path(), earlier: Sequence[Versions] = ()
) -> "tuple[list[Trial], list[Search | Repeated]]":
    """All trials that are known beforehand, as `trials` has them, and what adds others: searches, and cells whose seeds
    are not counted beforehand. Raises as that does."""
    maker = _Maker(profile, folder, earlier)
    every: list[Trial] = []
    repeated: dict[Any, tuple[Cell, float, list[Trial]]] = {}
    for model in profile.model.names:
        for damage, group, seed, level in _cells(profile, maker.damages):
            cell = Cell(model, damage, group, seed)
            every.append(maker.trial(cell, level, len(every)))
            if level is not None and profile.seeds.until:
                _, _, alike = repeated.setdefault((model, id(damage), group, level), (cell, level, []))
                alike.append(every[-1])
    adding: list[Search | Repeated] = []
    index = len(every)
    for model in profile.model.names:
        for damage, group, seed in _sought(profile, maker.damages):
            adding.append(Search(Cell(model, damage, group, seed), index, maker))
            index += damage.most_levels
    for cell, level, alike in repeated.values():
        adding.append(Repeated(profile, maker, cell, level, alike, index))
        index += profile.seeds.most - profile.seeds.count
    return every, adding


@dataclass(frozen=True)
class Cell:
    """What trials share that differ in nothing but the level."""

    model: str
    damage: Damage | None
    group: str | None
    seed: int


class _Maker:
    """Makes the trials of a profile."""

    def __init__(self, profile: Profile, folder: Path, earlier: Sequence[Versions]) -> None:
        now = versions(profile)
        others = [noted for noted in earlier if changed(noted, now)]
        self.damages = [single for table in profile.damage for single in table.singles]
        self._keys = [Keys(profile, self.damages, folder, noted) for noted in (now, *others)]
        self._variants = {id(damage): _variant(damage, folder) for damage in self.damages}

    def trial(self, cell: Cell, level: float | None, index: int) -> Trial:
        damage = cell.damage
        key, *former = dict.fromkeys(each.key(cell.model, damage, cell.group, level, cell.seed) for each in self._keys)
        method = damage.method if damage else "none"
        layers, heads, experts = (damage.layers, damage.heads, damage.experts) if damage else (None, None, None)
        more = self._variants.get(id(damage), {}) | {"former_keys": tuple(former)}
        place = (key, index, cell.model, damage is None)
        return Trial(*place, method, cell.group, layers, level, cell.seed, heads, experts, **more)


class Repeated:
    """A cell to which seeds are added: its `first` trials are known beforehand, those added have the indexes from
    `index` on, and there are `most` of them at most."""

    def __init__(
        self, profile: Profile, maker: _Maker, cell: Cell, level: float, first: Sequence[Trial], index: int
    ) -> None:
        assert profile.seeds.until is not None
        self.first, self.until, self.index = tuple(first), profile.seeds.until, index
        self.most = profile.seeds.most - profile.seeds.count
        self.cell, self.level = cell, level
        self._seeds, self._maker = possible_seeds(profile), maker

    def trial(self, number: int) -> Trial:
        """The trial of the cell's seed number so many, from 0 on."""
        if number < len(self.first):
            return self.first[number]
        cell = replace(self.cell, seed=self._seeds[number])
        return self._maker.trial(cell, self.level, self.index + number - len(self.first))


class Search:
    """The search for a level in one cell. Its trials have the indexes from `index` on, in the order in which they are
    tried; `most` is more than there will be."""

    def __init__(self, cell: Cell, index: int, maker: _Maker) -> None:
        damage = cell.damage
        assert damage is not None
        assert damage.sought is not None
        level = catalog.method(damage.method).level
        assert level is not None
        self.cell, self.index, self.most = cell, index, damage.most_levels
        self.find: Find = damage.sought
        self.axis = Axis(damage.sought, level)
        self._level, self._maker = level, maker

    def look(self, undamaged: float | None, values: Mapping[float, float | None]) -> Looked:
        """See engine.profile.find.look."""
        return look(self.find, self._level, undamaged, values)

    def trial(self, level: float, number: int) -> Trial:
        """The trial at a level that is the search's number so many, from 0 on."""
        return self._maker.trial(self.cell, level, self.index + number)


def _sought(profile: Profile, damages: Sequence[Damage]) -> Iterator[tuple[Damage, str, int]]:
    """The searches in one model."""
    for seed in seeds(profile):
        for damage in damages:
            for group in damage.groups if damage.sought else ():
                yield damage, group, seed


def _cells(profile: Profile, damages: list[Damage]) -> Iterator[tuple[Damage | None, str | None, int, float | None]]:
    """The grid of one model. The method none adds nothing: it is the baseline."""
    every = seeds(profile)
    undamaged = possible_seeds(profile) if any(measure.draws for measure in profile.measure) else every[:1]
    for seed in undamaged:
        yield None, None, seed, None
    for damage, group in requantising(profile.model, profile.damage):
        for seed in undamaged:
            yield damage, group, seed, None
    for seed in every:
        for damage in damages:
            for group in damage.groups:
                for level in damage.levels:
                    yield damage, group, seed, level


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
