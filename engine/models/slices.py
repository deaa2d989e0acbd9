"""A slice: an exact part of one parameter, cut along one dimension, and how to read and write it in place."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor
from torch.nn import Parameter

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
    """What an architecture says of a weight: the indices `ranges` of dimension `dim` (None: the whole tensor)."""

    tensor: Parameter
    dim: int = 0
    ranges: Ranges | None = None


@dataclass(frozen=True)
class Slice:
    """The indices `ranges` (half-open, rising, disjoint) of dimension `dim` of a parameter; None is the whole of it.

    `parameter` is its name in `named_parameters()`, `layer` the block it belongs to (None outside the blocks).
    """

    parameter: str
    tensor: Parameter
    dim: int = 0
    ranges: Ranges | None = None
    layer: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what `gather` returns."""
        shape = list(self.tensor.shape)
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
        whole = self.tensor.detach()
        if self.ranges is None:
            return whole
        return torch.cat([whole.narrow(self.dim, low, high - low) for low, high in self.ranges], self.dim)

    def scatter(self, weights: Tensor) -> None:
        """Write `weights`, shaped like `gather()`, into the parameter."""
        whole = self.tensor.detach()
        if self.ranges is None:
            whole.copy_(weights)
            return
        at = 0
        for low, high in self.ranges:
            whole.narrow(self.dim, low, high - low).copy_(weights.narrow(self.dim, at, high - low))
            at += high - low

    def chunks(self) -> Iterator[Chunk]:
        """The slice in pieces of about CHUNK weights, in the order of the parameter's memory within every range."""
        size = self.tensor.shape[self.dim] if self.tensor.dim() else 1
        inner = prod(self.tensor.shape[self.dim + 1 :])
        if self.ranges is None:
            yield from _runs(self.tensor, 1, self.tensor.numel(), 0, self.tensor.numel())
            return
        outer = prod(self.tensor.shape[: self.dim])
        for low, high in self.ranges:
            yield from _runs(self.tensor, outer, size * inner, low * inner, high * inner)


def _runs(tensor: Tensor, outer: int, stride: int, low: int, high: int) -> Iterator[Chunk]:
    """The columns low..high of a parameter seen as [outer, stride]."""
    rows = tensor.detach().view(outer, stride)
    together = max(1, CHUNK // max(high - low, SHORTEST_RUN))
    for first in range(0, outer, together):
        for start in range(low, high, CHUNK):
            view = rows[first : first + together, start : min(start + CHUNK, high)]
            yield Chunk(view, first * stride + start, stride)
