"""Which weights of a slice a method may change: masks, chunk by chunk, and changes confined to them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.methods.counter import Kind
from engine.methods.draws import Draws
from engine.models.slices import Chunk, Slice
from engine.scores.topk import TopK


@dataclass(frozen=True)
class Share:
    """Every weight with the chance `fraction`, drawn by itself: what one fraction selects, a larger one does too."""

    fraction: float
    draws: Draws

    def masks(self, piece: Slice) -> list[Tensor]:
        """For every chunk of the slice, which of its weights are selected: bool, shaped like the chunk's view."""
        return [u < self.fraction for _, u in self.draws.chunks(piece, "select")]


@dataclass(frozen=True)
class Listed:
    """Weights by their rising flat indices in their parameters, int64 on the CPU."""

    indices: Mapping[str, Tensor]

    def masks(self, piece: Slice) -> list[Tensor]:
        """As `Share.masks`; an empty list where the slice has none of the weights."""
        indices = self.indices.get(piece.parameter)
        return [] if indices is None else [mask(chunk, indices) for chunk in piece.chunks()]


Selection = Share | Listed


def confined(piece: Slice, selection: Selection, change: Callable[[Slice], None]) -> int:
    """`change(piece)`, with every weight that is not selected put back bit by bit; returns how many are selected.

    The slice is changed as a whole, so a range or a deviation is that of all its weights; without a selected weight it
    is not changed at all. Needs memory for a copy of the slice.
    """
    masks = selection.masks(piece)
    selected = sum(int(chosen.sum()) for chosen in masks)
    if not selected:
        return 0
    before = [chunk.view.clone() for chunk in piece.chunks()]
    change(piece)
    for chunk, chosen, old in zip(piece.chunks(), masks, before, strict=True):
        chunk.view.copy_(torch.where(chosen, chunk.view, old))
    return selected


def mask(chunk: Chunk, indices: Tensor) -> Tensor:
    """Which weights of a chunk have one of these rising flat indices: bool, shaped like the chunk's view."""
    runs, length = chunk.view.shape
    found = torch.zeros(runs, length, dtype=torch.bool)
    bounds = torch.tensor([chunk.start, chunk.start + (runs - 1) * chunk.stride + length])
    low, high = torch.searchsorted(indices, bounds).tolist()
    near = indices[low:high] - chunk.start
    columns = near % chunk.stride
    inside = columns < length
    found[near[inside] // chunk.stride, columns[inside]] = True
    return found.to(chunk.view.device)


def first(pieces: Sequence[Slice], kind: Kind, count: int, draws: Draws) -> dict[str, Tensor]:
    """The `count` weights of disjoint slices with the smallest numbers of a kind, or all where there are fewer, as
    Listed holds them: what one count selects, a larger one does too. Memory of order count."""
    starts: dict[str, int] = {}
    end = 0
    for piece in pieces:
        if piece.parameter not in starts:
            starts[piece.parameter] = end
            end += piece.tensor.numel()
    smallest = TopK(count, largest=False)
    for piece in pieces:
        for chunk, (_, drawn) in zip(piece.chunks(), draws.chunks(piece, kind), strict=True):
            smallest.offer(drawn, starts[piece.parameter] + chunk.start, chunk.stride)
    positions = smallest.best()[0].sort().values
    bounds = torch.searchsorted(positions, torch.tensor([*starts.values(), end])).tolist()
    found = {}
    for (name, start), low, high in zip(starts.items(), bounds, bounds[1:], strict=False):
        if high > low:
            found[name] = positions[low:high] - start
    return found
