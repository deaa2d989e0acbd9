"""A slice: an exact part of one parameter, cut along one dimension, and how to read and write it in place.

A parameter that holds the matrices of many experts, [experts, out, in], is cut expert by expert: every slice of it is
(a part of) the matrix of one, as though each expert had a parameter of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor
from torch.nn import Parameter

from engine.weights.packed import PackedWeight

Ranges = tuple[tuple[int, int], ...]

CHUNK = 131072
"""Weights worked on at a time: few enough to stay in a processor's cache from one step to the next."""

SHORTEST_RUN = 512
"""Runs shorter than this count as this long when chunks are made up (random numbers come in units of 256)."""


@dataclass(frozen=True)
class Chunk:
    """Some runs of a slice: `view` [runs, length] shares the parameter's memory; run r begins at the parameter's flat
    index `start + r * stride`."""

    view: Tensor
    start: int
    stride: int


@dataclass(frozen=True)
class Part:
    """What an architecture says of a weight: the indices `ranges` of dimension `dim` (None: all), of the tensor or of
    its entry `expert`. `dim` is also the one along which heads or experts follow one another, where they do."""

    tensor: Parameter
    dim: int = 0
    ranges: Ranges | None = None
    expert: int | None = None

    @property
    def matrix(self) -> Tensor:
        """The tensor, or its entry `expert`, sharing memory."""
        return _entry(self.tensor.detach(), self.expert)

    @property
    def length(self) -> int:
        """How many indices of dimension `dim` it has."""
        return self.matrix.shape[self.dim] if self.ranges is None else sum(high - low for low, high in self.ranges)

    def units(self, count: int, chosen: Iterable[int]) -> "Part":
        """The `chosen` of the `count` units (heads, say) that follow one another, all as long, along `dim`.

        Raises ValueError where the length cannot be divided by `count`.
        """
        size, rest = divmod(self.length, count)
        if rest:
            raise ValueError(f"{self.length} indices are no {count} units of the same length")
        indices = [i for low, high in self.ranges or ((0, self.length),) for i in range(low, high)]
        return replace(self, ranges=_spans(i for unit in chosen for i in indices[unit * size : (unit + 1) * size]))


@dataclass(frozen=True)
class Slice:
    """The indices `ranges` (half-open, rising, disjoint) of dimension `dim` of a parameter; None is the whole of it.

    `parameter` is its name in `named_parameters()`, `layer` the block it belongs to (None outside the blocks). With
    `expert`, all this is about that entry of the parameter's first dimension: `tensor[expert]`.
    """

    parameter: str
    tensor: Parameter
    dim: int = 0
    ranges: Ranges | None = None
    layer: int | None = None
    expert: int | None = None
    transposed: bool = False
    """Whether the matrix is stored as [inputs, outputs]."""
    packed: PackedWeight | None = None
    """Set where the weights are packed. Then `tensor` only stands in for them, with their shape and no numbers: see
    `engine.weights.dense.opened`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what `gather` returns."""
        shape = list(self.tensor.shape if self.expert is None else self.tensor.shape[1:])
        if self.ranges is not None:
            shape[self.dim] = sum(high - low for low, high in self.ranges)
        return tuple(shape)

    @property
    def numel(self) -> int:
        """How many weights the slice has."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """The size of a copy of the slice."""
        return self.numel * self.tensor.element_size()

    def gather(self) -> Tensor:
        """The weights, contiguous, in the parameter's dtype; the parameter's own memory, not a copy, when whole."""
        return self.cut(self.tensor.detach())

    def cut(self, like: Tensor) -> Tensor:
        """The same part of a tensor shaped like the parameter (its gradient, say): `like`'s own memory, or the entry
        `expert` of it, when whole, else a copy."""
        whole = _entry(like, self.expert)
        if self.ranges is None:
            return whole
        return torch.cat([whole.narrow(self.dim, low, high - low) for low, high in self.ranges], self.dim)

    def scatter(self, weights: Tensor) -> None:
        """Write `weights`, shaped like `gather()`, into the parameter."""
        whole = _entry(self.tensor.detach(), self.expert)
        if self.ranges is None:
            whole.copy_(weights)
            return
        at = 0
        for low, high in self.ranges:
            whole.narrow(self.dim, low, high - low).copy_(weights.narrow(self.dim, at, high - low))
            at += high - low

    def chunks(self, size: int = CHUNK) -> Iterator[Chunk]:
        """The slice in pieces of about `size` weights, in the order of the parameter's memory within every range."""
        whole = _entry(self.tensor.detach(), self.expert)
        first = whole.numel() * (self.expert or 0)
        if self.ranges is None:
            yield from _runs(whole, size, first, 1, whole.numel(), 0, whole.numel())
            return
        inner = prod(whole.shape[self.dim + 1 :])
        outer, stride = prod(whole.shape[: self.dim]), whole.shape[self.dim] * inner
        for low, high in self.ranges:
            yield from _runs(whole, size, first, outer, stride, low * inner, high * inner)


def _entry(tensor: Tensor, expert: int | None) -> Tensor:
    return tensor if expert is None else tensor[expert]


def _spans(indices: Iterable[int]) -> Ranges:
    """Rising, disjoint ranges that hold these indices."""
    spans: list[tuple[int, int]] = []
    for index in sorted(indices):
        if spans and spans[-1][1] == index:
            spans[-1] = (spans[-1][0], index + 1)
        else:
            spans.append((index, index + 1))
    return tuple(spans)


def _runs(tensor: Tensor, size: int, first: int, outer: int, stride: int, low: int, high: int) -> Iterator[Chunk]:
    """The columns low..high of a tensor seen as [outer, stride], which begins at the parameter's flat index `first`."""
    rows = tensor.view(outer, stride)
    together = max(1, size // max(high - low, SHORTEST_RUN))
    for row in range(0, outer, together):
        for start in range(low, high, size):
            view = rows[row : row + together, start : min(start + size, high)]
            yield Chunk(view, first + row * stride + start, stride)
