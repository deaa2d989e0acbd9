"""Random numbers for damage: what a weight draws depends on the seed and on which weight it is, on nothing else.

The numbers are a function of (DRAW_VERSION, seed, parameter name, flat index in the parameter). So they are the same
whatever group or layers the weight was chosen with, whatever ran before, at every level, dtype, device and number of
threads.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from engine.catalog import DRAW_VERSION
from engine.methods.counter import UNIT, Floats, Keys, Kind, numbers
from engine.models.slices import Chunk, Slice


class Draws:
    """The random numbers of one seed, computed on the CPU."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def normal(self, piece: Slice) -> Tensor:
        """Numbers from N(0, 1), float32 on the CPU, shaped like `piece.gather()`; all below 6.6 in size."""
        return self._whole(piece, "normal")

    def uniform(self, piece: Slice) -> Tensor:
        """Numbers from [0, 1), multiples of 2^-24, float32 on the CPU, shaped like `piece.gather()`."""
        return self._whole(piece, "uniform")

    def chunks(self, piece: Slice, kind: Kind) -> Iterator[tuple[Tensor, Tensor]]:
        """(weights, numbers), both [runs, length], chunk by chunk.

        The weights share the parameter's memory. The numbers, float32 on its device, are the caller's to overwrite, and
        gone when the next pair is asked for.
        """
        keys = _keys(self.seed, piece.parameter, kind)
        for chunk in piece.chunks():
            yield chunk.view, torch.from_numpy(_numbers(chunk, kind, keys)).to(piece.tensor.device)

    def _whole(self, piece: Slice, kind: Kind) -> Tensor:
        canvas = Parameter(torch.empty(piece.tensor.shape, dtype=torch.float32), requires_grad=False)
        target = Slice(piece.parameter, canvas, piece.dim, piece.ranges)
        for view, drawn in self.chunks(target, kind):
            view.copy_(drawn)
        return target.gather()


def _keys(seed: int, parameter: str, kind: Kind) -> Keys:
    text = f"{DRAW_VERSION}\0{seed}\0{parameter}\0{kind}"
    first, second = np.frombuffer(hashlib.blake2b(text.encode(), digest_size=16).digest(), "<u8").astype(np.uint64)
    return first, second


def _numbers(chunk: Chunk, kind: Kind, keys: Keys) -> Floats:
    """The numbers of a chunk, [runs, length]."""
    runs, length = chunk.view.shape
    starts = chunk.start + chunk.stride * np.arange(runs, dtype=np.int64)
    offsets = starts % UNIT
    across = (int(offsets.max()) + length + UNIT - 1) // UNIT
    units = (starts // UNIT)[:, None] + np.arange(across)
    drawn = numbers(kind, units.ravel(), keys).reshape(runs, across * UNIT)
    if (offsets == offsets[0]).all():
        return drawn[:, offsets[0] : offsets[0] + length]
    return np.stack([row[offset : offset + length] for row, offset in zip(drawn, offsets, strict=True)])
