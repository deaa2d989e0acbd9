"""Masking: selected weights are set to zero, each by itself."""

from collections.abc import Sequence

from engine.weights.selection import Listed, Selection
from engine.weights.slices import Slice


def mask(slices: Sequence[Slice], selection: Selection) -> int:
    """In place: every selected weight becomes 0; returns how many that are. Of a list of weights only those are
    touched, however large the slices are."""
    if isinstance(selection, Listed):
        tensors = {piece.parameter: piece.tensor.detach() for piece in slices}
        for name, indices in selection.indices.items():
            flat = tensors[name].view(-1)
            flat[indices.to(flat.device)] = 0
        return sum(len(indices) for indices in selection.indices.values())
    zeroed = 0
    for piece in slices:
        for chunk, chosen in zip(piece.chunks(), selection.masks(piece), strict=True):
            chunk.view.masked_fill_(chosen, 0)
            zeroed += int(chosen.sum())
    return zeroed
