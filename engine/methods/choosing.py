"""From the `select` of a trial to the weights it means in one model."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import torch

from engine.errors import LesionError
from engine.models.loading import LoadedModel
from engine.profile.selection import Coordinate, Select
from engine.scores import Ranking, ScoreSpec, ends, rank
from engine.scores import select as best
from engine.weights.draws import Draws
from engine.weights.selection import Listed, Ordered, Selection, Share, first, joined
from engine.weights.slices import Slice


def choose(
    select: Select,
    slices: Sequence[Slice],
    loaded: LoadedModel,
    draws: Draws,
    folder: Path = Path(),
    *,
    in_order: bool = False,
) -> Selection | None:
    """The weights of disjoint `slices` that `select` means, None for all of them; `in_order`, in their order too, which
    takes three times the memory. The model is as it was loaded.

    The order is that of the ranking (top_k: largest score first; bottom_k: smallest first; equal scores by the order of
    the model's parameters, then by the index), of the numbers drawn (random), or of the list (coordinates). Only
    `random` depends on the draws' seed. A text's relative path starts from `folder`. Raises LesionError for coordinates
    outside the slices, and for a score that does not apply to them.
    """
    if select.by == "all":
        return None
    if select.by == "coordinates":
        return _at(select.coordinates, slices)
    if select.by == "random":
        return _drawn(select, slices, draws)
    count = select.fraction if select.k is None else _count(select)
    assert count is not None
    how = (slices, loaded, score_spec(select, folder), count)
    if in_order:
        return _order(rank(*how, largest=select.by == "top_k", scope=select.scope))
    return Listed(best(*how, largest=select.by == "top_k", scope=select.scope))


def both_ends(
    select: Select, slices: Sequence[Slice], loaded: LoadedModel, folder: Path, top: int, bottom: int
) -> tuple[Ordered, Ordered]:
    """The `top` first weights by the score of `select` and the `bottom` last, the very last first; as `choose`."""
    rankings = ends(slices, loaded, score_spec(select, folder), (top, bottom), select.scope)
    return _order(rankings[0]), _order(rankings[1])


def score_spec(select: Select, folder: Path) -> ScoreSpec:
    """The score that a selection goes by."""
    assert select.score is not None
    return ScoreSpec(
        select.score,
        text=select.text,
        documents=select.documents,
        context=select.context,
        batch_size=select.batch_size,
        seed=select.seed,
        probes=select.probes,
        folder=folder,
    )


def _order(ranking: Ranking) -> Ordered:
    return Ordered(ranking.names, ranking.ranks, ranking.parameters, ranking.indices)


def _count(select: Select) -> int:
    assert isinstance(select.k, int)  # a list of them is separated in reading
    return select.k


def _drawn(select: Select, slices: Sequence[Slice], draws: Draws) -> Selection:
    if select.fraction is not None:
        return Share(select.fraction, draws)
    return joined([first(unit, "select", _count(select), draws) for unit in _units(slices, select.scope)])


def _units(slices: Sequence[Slice], scope: str) -> list[list[Slice]]:
    """The slices that share a count: all, those of a layer, or those of a parameter."""

    def unit(piece: Slice) -> str:
        return {"global": "", "per_layer": str(piece.layer), "per_tensor": piece.parameter}[scope]

    return [list(unit_slices) for _, unit_slices in groupby(sorted(slices, key=unit), key=unit)]


def _at(coordinates: Sequence[Coordinate], slices: Sequence[Slice]) -> Ordered:
    """In the order of the list; what it repeats, once."""
    tensors = {piece.parameter: piece.tensor for piece in slices}
    names = {name: place for place, name in enumerate(tensors)}
    places = list(dict.fromkeys(_place(coordinate, tensors) for coordinate in coordinates))
    parameters, indices = torch.tensor([[names[name], place] for name, place in places]).T
    listed = Ordered(tuple(names), torch.arange(1, len(places) + 1), parameters, indices)
    inside = sum(int(mask.sum()) for piece in slices for mask in listed.masks(piece))
    if inside < len(places):
        raise LesionError("select.coordinates: some lie in parts of their parameters that are not in the group")
    return listed


def _place(coordinate: Coordinate, tensors: dict[str, torch.nn.Parameter]) -> tuple[str, int]:
    """A weight's parameter and its flat index in it."""
    name, *indices = coordinate
    where = f"[{', '.join(map(str, indices))}] of {name}"
    if name not in tensors:
        raise LesionError(f"select.coordinates: {where} is not in the group; its parameters are {_some(tensors)}")
    shape = tuple(tensors[str(name)].shape)
    if len(indices) != len(shape) or any(int(i) >= size for i, size in zip(indices, shape, strict=True)):
        raise LesionError(f"select.coordinates: {where} does not exist: its shape is {list(shape)}")
    place = 0
    for i, size in zip(indices, shape, strict=True):
        place = place * size + int(i)
    return str(name), place


def _some(tensors: dict[str, torch.nn.Parameter]) -> str:
    names = list(tensors)
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} … {names[-1]}"
