"""Which weights the trials of one model select; what takes long to find is found once."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from engine import catalog
from engine.methods.choosing import both_ends, choose
from engine.models.loading import LoadedModel
from engine.profile import Damage, Layers, Select, Trial
from engine.profile.names import anchor
from engine.weights.draws import Draws
from engine.weights.selection import Ordered, Selection
from engine.weights.slices import Slice

_KEPT = 1_000_000
"""Weights kept in order, all rankings together; 24 bytes each."""

Place = tuple[str, Layers | None, Layers | None, Layers | None]
"""The arguments of `Architecture.slices`: the group, and what narrows it."""


def place_of(trial: Trial) -> Place:
    """Where a trial damages its model."""
    assert trial.group is not None
    return trial.group, trial.layers, trial.heads, trial.experts


class Choices:
    """The selections of one model's weights, as it was loaded.

    By every score, text, group and seed the weights are ranked once: for the largest `k` that the profile's `damages`
    ask for, of both ends at once. A smaller k is the head of that, exactly what a ranking of its own would give.
    """

    def __init__(self, damages: Iterable[Damage], loaded: LoadedModel, folder: Path) -> None:
        self._loaded, self._folder = loaded, folder
        self._largest: dict[str, dict[str, int]] = {}
        for place, select in _selects(damages):
            known = self._largest.setdefault(_key(place, select, None), {})
            known[select.by] = max(_count(select), known.get(select.by, 0))
        self._rankings: dict[str, dict[str, Ordered]] = {}
        self._last: tuple[Any, Selection | None] = (None, None)

    def of(self, trial: Trial, slices: Sequence[Slice]) -> Selection | None:
        """The weights that the trial selects among the slices it damages; None: all of them."""
        select = Select.model_validate(trial.select, context={"must_exist": False})
        if select.own_text:
            select = select.model_copy(update={"text": anchor(select.own_text, self._folder)})
        if not _ranked(select):
            return self._once(trial, select, slices)
        seed = trial.seed if select.by == "random" else None
        key = _key(place_of(trial), select, seed)
        if select.by not in self._rankings.get(key, {}):
            self._rankings[key] = self._rank(place_of(trial), select, slices, trial.seed)
        return self._rankings[key][select.by].head(_count(select))

    def _rank(self, place: Place, select: Select, slices: Sequence[Slice], seed: int) -> dict[str, Ordered]:
        known = self._largest.get(_key(place, select, None), {})
        counts = known | {select.by: max(_count(select), known.get(select.by, 0))}
        if select.by == "random":
            drawn = choose(select.model_copy(update={"k": counts["random"]}), slices, self._loaded, Draws(seed))
            assert isinstance(drawn, Ordered)
            orders = {"random": drawn}
        else:
            sides = (counts.get("top_k", 0), counts.get("bottom_k", 0))
            top, bottom = both_ends(select, slices, self._loaded, self._folder, *sides)
            orders = {"top_k": top, "bottom_k": bottom}
        self._make_room(sum(map(len, orders.values())))
        return orders

    def _make_room(self, needed: int) -> None:
        """Forget the oldest rankings until there is room for so many weights, or none is left."""
        while (
            self._rankings and needed + sum(len(o) for kept in self._rankings.values() for o in kept.values()) > _KEPT
        ):
            del self._rankings[next(iter(self._rankings))]

    def _once(self, trial: Trial, select: Select, slices: Sequence[Slice]) -> Selection | None:
        """Found once for trials in a row that select the same."""
        in_order = catalog.method(trial.method).acts_on == "selection"
        same = (place_of(trial), trial.select, trial.seed if select.by == "random" else None, in_order)
        if self._last[0] != same:
            self._last = (None, None)
            selection = choose(select, slices, self._loaded, Draws(trial.seed), self._folder, in_order=in_order)
            self._last = (same, selection)
        return self._last[1]


def _ranked(select: Select) -> bool:
    """Whether it is worth its memory to keep the weights in order for other trials."""
    return select.by in ("random", "top_k", "bottom_k") and select.k is not None and _count(select) <= _KEPT // 10


def _count(select: Select) -> int:
    assert isinstance(select.k, int)  # a list of them is separated in reading
    return select.k


def _key(place: Place, select: Select, seed: int | None) -> str:
    """The same for all selections that are heads of one ranking, or of its two ends."""
    alone = "random" if select.by == "random" else "score"
    return repr((place, alone, seed, select.model_copy(update={"k": None, "by": "all"}).identity))


def _selects(damages: Iterable[Damage]) -> Iterator[tuple[Place, Select]]:
    for damage in damages:
        if damage.select is not None and _ranked(damage.select):
            for group in damage.groups:
                yield (group, damage.layers, damage.heads, damage.experts), damage.select
