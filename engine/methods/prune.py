"""Pruning: the weights nearest to zero are set to zero."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import torch
from torch import Tensor

from engine.methods.floats import integers
from engine.weights.draws import Draws
from engine.weights.slices import Slice

_HALF = 1 << 16


def magnitude_prune(pieces: Sequence[Slice], level: float, draws: Draws, scope: str) -> None:
    """In place: of the n weights of each slice (`per_tensor`), each layer or the whole group, the round(level * n) of
    smallest size become 0; of equals, the first ones. So what a level zeroes, every higher level zeroes too.

    NaN counts as larger than every number. Draws nothing.
    """
    if scope == "global":
        _prune(pieces, level)
    elif scope == "per_layer":
        for _, layer in groupby(sorted(pieces, key=_layer), key=_layer):
            _prune(list(layer), level)
    else:
        for piece in pieces:
            _prune([piece], level)


def _layer(piece: Slice) -> int:
    return -1 if piece.layer is None else piece.layer


def _prune(pieces: Sequence[Slice], level: float) -> None:
    count = round(level * sum(piece.numel for piece in pieces))
    if not count:
        return
    threshold, spare = _kth(pieces, count)
    for piece in pieces:
        for chunk in piece.chunks():
            size = _size(chunk.view)
            zeroed = size < threshold
            equal = size == threshold
            taken = int(equal.sum()) if spare else 0
            if taken > spare:
                equal &= equal.flatten().cumsum(0).view_as(equal) <= spare
            if taken:
                zeroed |= equal
                spare -= min(spare, taken)
            chunk.view.masked_fill_(zeroed, 0)


def _size(weights: Tensor) -> Tensor:
    """|w| as a whole number: the bits of a float rise with its size. One of 16 bits comes first in a word of 32."""
    bits = integers(weights)
    return bits & 0x7FFFFFFF if bits.dtype == torch.int32 else (bits.int() & 0x7FFF) << 16


def _kth(pieces: Iterable[Slice], count: int) -> tuple[int, int]:
    """The `count`-th smallest size, and how many weights of exactly that size are among the `count` smallest.

    Two passes that count how often every upper half of a size occurs, then every lower half: no list of weights.
    """
    pieces = list(pieces)
    upper, below = _bucket(pieces, count, None)
    lower, beneath = _bucket(pieces, count - below, upper)
    return upper * _HALF + lower, count - below - beneath


def _bucket(pieces: Iterable[Slice], count: int, upper: int | None) -> tuple[int, int]:
    """The half of a size that the `count`-th smallest has, among sizes with this upper half where one is given, and how
    many are smaller."""
    counts = torch.zeros(_HALF, dtype=torch.int64)
    for piece in pieces:
        for chunk in piece.chunks():
            size = _size(chunk.view).flatten()
            half = size >> 16 if upper is None else size[size >> 16 == upper] & (_HALF - 1)
            counts += torch.bincount(half, minlength=_HALF).cpu()
    total = counts.cumsum(0)
    index = int(torch.searchsorted(total, count))
    return index, int(total[index] - counts[index])
