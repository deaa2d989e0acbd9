"""Which weights of a slice a method may change: masks, chunk by chunk, and changes confined to them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.weights.counter import Kind
from engine.weights.draws import Draws
from engine.weights.slices import Chunk, Slice
from engine.weights.topk import TopK


@dataclass(frozen=True)
class Share:
    """Every weight with the chance `fraction`, drawn by itself: what one fraction selects, a larger one does too."""

    fraction: float
    draws: Draws

    def share(self, share: float) -> "Share":
        """Those with the smallest numbers drawn: every weight with the chance `share` of the fraction."""
        return Share(share * self.fraction, self.draws)

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


@dataclass(frozen=True)
class Ordered:
    """Weights in order, unit by unit: of each its place in its unit, from 1 (`ranks`), which of the parameters `names`
    it lies in (`parameters`), and its flat index there (`indices`); int64 [n] on the CPU."""

    names: tuple[str, ...]
    ranks: Tensor
    parameters: Tensor
    indices: Tensor

    def __len__(self) -> int:
        return len(self.ranks)

    def head(self, count: int) -> "Ordered":
        """The first `count` of every unit, or all where there are fewer."""
        return self._only(self.ranks <= count)

    def share(self, share: float) -> Listed:
        """Of the n weights of every unit the first floor(share * n)."""
        unit = (self.ranks == 1).cumsum(0) - 1
        sizes = torch.bincount(unit).double()
        # A share such as 0.29 of 100 is a little less than 29 in binary, and means 29.
        return self._only(self.ranks <= (share * sizes + 1e-9).floor()[unit]).listed()

    def listed(self) -> Listed:
        """The same weights without their order."""
        order = self.indices.argsort()
        order = order[self.parameters[order].argsort(stable=True)]
        parts = torch.split(self.indices[order], torch.bincount(self.parameters, minlength=len(self.names)).tolist())
        return Listed({name: part for name, part in zip(self.names, parts, strict=True) if len(part)})

    def masks(self, piece: Slice) -> list[Tensor]:
        """As `Share.masks`; an empty list where the slice has none of the weights."""
        return self.listed().masks(piece)

    def _only(self, kept: Tensor) -> "Ordered":
        return Ordered(self.names, self.ranks[kept], self.parameters[kept], self.indices[kept])


Selection = Share | Listed | Ordered


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
    marked = torch.zeros(runs, length, dtype=torch.bool)
    bounds = torch.tensor([chunk.start, chunk.start + (runs - 1) * chunk.stride + length])
    low, high = torch.searchsorted(indices, bounds).tolist()
    near = indices[low:high] - chunk.start
    columns = near % chunk.stride
    inside = columns < length
    marked[near[inside] // chunk.stride, columns[inside]] = True
    return marked.to(chunk.view.device)


def first(pieces: Sequence[Slice], kind: Kind, count: int, draws: Draws) -> Ordered:
    """The `count` weights of disjoint slices with the smallest numbers of a kind, or all where there are fewer, the
    smallest first: what one count selects, a larger one does too. Memory of order count."""
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
    positions = smallest.best()[0]
    begins = torch.tensor([*starts.values(), end], dtype=torch.long)
    parameters = torch.searchsorted(begins, positions, right=True) - 1
    return Ordered(tuple(starts), torch.arange(1, len(positions) + 1), parameters, positions - begins[parameters])


def joined(units: Sequence[Ordered]) -> Ordered:
    """The weights of several units as one order, whose units they stay."""
    names = tuple(dict.fromkeys(name for unit in units for name in unit.names))
    places = [torch.tensor([names.index(name) for name in unit.names])[unit.parameters] for unit in units]
    ranks, indices = (torch.cat([getattr(unit, key) for unit in units]) for key in ("ranks", "indices"))
    return Ordered(names, ranks, torch.cat(places), indices)
