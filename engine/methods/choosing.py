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
    wanted: Select,
    slices: Sequence[Slice],
    loaded: LoadedModel,
    draws: Draws,
    folder: Path = Path(),
    *,
    in_order: bool = False,
) -> Selection | None:
    """The weights of disjoint `slices` that `wanted` means, None for all of them; `in_order`, in their order too, which
    takes three times the memory. The model is as it was loaded.

    The order is that of the ranking (top_k: largest score first; bottom_k: smallest first; equal scores by the order of
    the model's parameters, then by the index), of the numbers drawn (random), or of the list (coordinates). Only
    `random` depends on the draws' seed. A text's relative path starts from `folder`. Raises LesionError for coordinates
    outside the slices, and for a score that does not apply to them.
    """
    if wanted.by == "all":
        return None
    if wanted.by == "coordinates":
        return _at(wanted.coordinates, slices)
    if wanted.by == "random":
        return _drawn(wanted, slices, draws)
    count = wanted.fraction if wanted.k is None else _count(wanted)
    assert count is not None
    how = (slices, loaded, score_spec(wanted, folder), count)
    if in_order:
        return _order(rank(*how, largest=wanted.by == "top_k", scope=wanted.scope))
    return Listed(best(*how, largest=wanted.by == "top_k", scope=wanted.scope))


def both_ends(
    wanted: Select, slices: Sequence[Slice], loaded: LoadedModel, folder: Path, top: int, bottom: int
) -> tuple[Ordered, Ordered]:
    """The `top` first weights by the score of `wanted` and the `bottom` last, the very last first; as `choose`."""
    found = ends(slices, loaded, score_spec(wanted, folder), (top, bottom), wanted.scope)
    return _order(found[0]), _order(found[1])


def score_spec(wanted: Select, folder: Path) -> ScoreSpec:
    """The score that a selection goes by."""
    assert wanted.score is not None
    return ScoreSpec(
        wanted.score,
        text=wanted.text,
        documents=wanted.documents,
        context=wanted.context,
        batch_size=wanted.batch_size,
        seed=wanted.seed,
        probes=wanted.probes,
        folder=folder,
    )


def _order(ranking: Ranking) -> Ordered:
    return Ordered(ranking.names, ranking.ranks, ranking.parameters, ranking.indices)


def _count(wanted: Select) -> int:
    assert isinstance(wanted.k, int)  # a list of them is separated in reading
    return wanted.k


def _drawn(wanted: Select, slices: Sequence[Slice], draws: Draws) -> Selection:
    if wanted.fraction is not None:
        return Share(wanted.fraction, draws)
    return joined([first(unit, "select", _count(wanted), draws) for unit in _units(slices, wanted.scope)])


def _units(slices: Sequence[Slice], scope: str) -> list[list[Slice]]:
    """The slices that share a count: all, those of a layer, or those of a parameter."""

    def unit(piece: Slice) -> str:
        return {"global": "", "per_layer": str(piece.layer), "per_tensor": piece.parameter}[scope]

    return [list(unit_slices) for _, unit_slices in groupby(sorted(slices, key=unit), key=unit)]


def _at(coordinates: Sequence[Coordinate], slices: Sequence[Slice]) -> Ordered:
    """In the order of the list; what it repeats, once."""
    tensors = {piece.parameter: piece.tensor for piece in slices}
    names = {name: place for place, name in enumerate(tensors)}
    found = list(dict.fromkeys(_place(coordinate, tensors) for coordinate in coordinates))
    parameters, indices = torch.tensor([[names[name], place] for name, place in found]).T
    listed = Ordered(tuple(names), torch.arange(1, len(found) + 1), parameters, indices)
    inside = sum(int(mask.sum()) for piece in slices for mask in listed.masks(piece))
    if inside < len(found):
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
