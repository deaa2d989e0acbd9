"""From the `select` of a trial to the weights it means in one model."""

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor

from engine.errors import LesionError
from engine.methods.draws import Draws
from engine.methods.selection import Listed, Selection, Share, first
from engine.models.loading import LoadedModel
from engine.models.slices import Slice
from engine.profile.selection import Coordinate, Select
from engine.scores import ScoreSpec
from engine.scores import select as best


def choose(wanted: Select, slices: Sequence[Slice], loaded: LoadedModel, draws: Draws) -> Selection | None:
    """The weights of disjoint `slices` that `wanted` means, None for all of them. The model is as it was loaded.

    Only `random` depends on the draws' seed. Raises LesionError for coordinates outside the slices, and for a score
    that does not apply to them.
    """
    if wanted.by == "all":
        return None
    if wanted.by == "coordinates":
        return Listed(_at(wanted.coordinates, slices))
    if wanted.by != "random":
        assert wanted.score is not None
        spec = ScoreSpec(wanted.score, text=wanted.text, documents=wanted.documents)
        count = wanted.fraction if wanted.k is None else wanted.k
        assert count is not None
        return Listed(best(slices, loaded, spec, count, largest=wanted.by == "top_k", scope=wanted.scope))
    if wanted.fraction is not None:
        return Share(wanted.fraction, draws)
    assert wanted.k is not None
    found: dict[str, Tensor] = {}
    for unit in _units(slices, wanted.scope):
        found |= first(unit, "select", wanted.k, draws)
    return Listed(found)


def _units(slices: Sequence[Slice], scope: str) -> list[list[Slice]]:
    """The slices that share a count: all, those of a layer, or those of a parameter."""

    def unit(piece: Slice) -> str:
        return {"global": "", "per_layer": str(piece.layer), "per_tensor": piece.parameter}[scope]

    return [list(unit_slices) for _, unit_slices in groupby(sorted(slices, key=unit), key=unit)]


def _at(coordinates: Sequence[Coordinate], slices: Sequence[Slice]) -> dict[str, Tensor]:
    tensors = {piece.parameter: piece.tensor for piece in slices}
    flat: dict[str, list[int]] = {}
    for name, *indices in coordinates:
        where = f"[{', '.join(map(str, indices))}] of {name}"
        if name not in tensors:
            raise LesionError(f"select.coordinates: {where} is not in the group; its parameters are {_some(tensors)}")
        shape = tuple(tensors[str(name)].shape)
        if len(indices) != len(shape) or any(int(i) >= size for i, size in zip(indices, shape, strict=True)):
            raise LesionError(f"select.coordinates: {where} does not exist: its shape is {list(shape)}")
        place = 0
        for i, size in zip(indices, shape, strict=True):
            place = place * size + int(i)
        flat.setdefault(str(name), []).append(place)
    found = {name: torch.tensor(sorted(set(places))) for name, places in flat.items()}
    listed = Listed(found)
    inside = sum(int(mask.sum()) for piece in slices for mask in listed.masks(piece))
    if inside < sum(map(len, found.values())):
        raise LesionError("select.coordinates: some lie in parts of their parameters that are not in the group")
    return found


def _some(tensors: dict[str, torch.nn.Parameter]) -> str:
    names = list(tensors)
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} … {names[-1]}"
