"""Damage in one pass over memory: every number is drawn where it is used, for weights on the CPU. To write numbers down
and read them again costs more than to make them.

What comes out has the bits of the plain form in torch, which other devices and dtypes take.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.weights.compiled import compiled, spread
from engine.weights.counter import UNIT, Floats, Units, normal, uniform
from engine.weights.draws import Draws, keys_of
from engine.weights.slices import CHUNK, Chunk, Slice

Bits = npt.NDArray[Any]
"""int32, or int16 for numbers of 16 bits."""

_TOGETHER = 8
"""Units drawn at a time: 2,048 numbers, which stay in a processor's first cache."""

_ONE = np.float32(1)
_UNIT = np.int64(UNIT)


def multiply(piece: Slice, level: float, draws: Draws) -> bool:
    """In place: w becomes w * (1 + level * z), z from N(0, 1), in float32. False, and nothing is done, where the
    weights are stored as anything else or lie on another device."""
    if piece.tensor.device.type != "cpu" or piece.tensor.dtype != torch.float32:
        return False
    keys = keys_of(draws.seed, piece.parameter, "normal")
    _through(piece, lambda chunk: _multiply(_flat(chunk, torch.float32), *_places(chunk), *keys, np.float32(level)))
    return True


def change_below(piece: Slice, level: float, draws: Draws, *, cleared: int, flipped: int) -> bool:
    """In place: where u < level, u uniform in [0, 1), the bits `cleared` of a weight become 0 and the bits `flipped`
    are turned over. False, and nothing is done, unless the weights lie on the CPU and have 16 or 32 bits."""
    integer = {2: torch.int16, 4: torch.int32}.get(piece.tensor.element_size())
    if piece.tensor.device.type != "cpu" or integer is None:
        return False
    keys = keys_of(draws.seed, piece.parameter, "uniform")

    def change(chunk: Chunk) -> None:
        _change_below(_flat(chunk, integer), *_places(chunk), *keys, np.float32(level), cleared, flipped)

    _through(piece, change)
    return True


def _through(piece: Slice, change: Callable[[Chunk], None]) -> None:
    """`change` of all chunks of the slice, which are as long as leaves one for every thread."""
    share = -(-piece.numel // torch.get_num_threads())
    spread(change, list(piece.chunks(max(CHUNK, -(-share // UNIT) * UNIT))))


def _flat(chunk: Chunk, dtype: torch.dtype) -> npt.NDArray[Any]:
    """All memory from the chunk's first weight to its last, what lies between its runs among it, read as numbers of a
    dtype of the same size: [n]."""
    runs, length = chunk.view.shape
    flat = torch.as_strided(chunk.view, ((runs - 1) * chunk.stride + length,), (1,))
    numbers: npt.NDArray[Any] = flat.view(dtype).numpy()
    return numbers


def _places(chunk: Chunk) -> tuple[int, int, int, int]:
    """Where its first run begins in the parameter, how far runs lie apart, how many there are, and how long."""
    return (chunk.start, chunk.stride, *chunk.view.shape)


@compiled("int64(int64, int64, int64[::1])")
def _stretch(at: int, end: int, units: Units) -> int:
    """Into `units` those that hold the numbers from `at` on, before `end`; returns how many of them."""
    unit = at // _UNIT
    count = min(np.int64(_TOGETHER), (end - 1) // _UNIT + 1 - unit)
    for i in range(count):
        units[i] = unit + i
    return int(count)


@compiled("void(float32[::1], int64, int64, int64, int64, uint64, uint64, float32)")
def _multiply(
    weights: Floats, start: int, stride: int, runs: int, length: int, first: Any, second: Any, level: Any
) -> None:
    units, made = np.empty(_TOGETHER, np.int64), np.empty(_TOGETHER * UNIT, np.float32)
    for run in range(runs):
        at, end = start + run * stride, start + run * stride + length
        while at < end:
            count = _stretch(at, end, units)
            normal(units[:count], first, second, made[: count * _UNIT])
            upto = min(end, (units[0] + count) * _UNIT)
            some, drawn = weights[at - start : upto - start], made[at - units[0] * _UNIT :]
            for i in range(some.size):
                some[i] *= drawn[i] * level + _ONE
            at = upto


@compiled(
    "void(int32[::1], int64, int64, int64, int64, uint64, uint64, float32, int32, int32)",
    "void(int16[::1], int64, int64, int64, int64, uint64, uint64, float32, int32, int32)",
)
def _change_below(
    bits: Bits,
    start: int,
    stride: int,
    runs: int,
    length: int,
    first: Any,
    second: Any,
    level: Any,
    cleared: Any,
    flipped: Any,
) -> None:
    units, made = np.empty(_TOGETHER, np.int64), np.empty(_TOGETHER * UNIT, np.float32)
    for run in range(runs):
        at, end = start + run * stride, start + run * stride + length
        while at < end:
            count = _stretch(at, end, units)
            uniform(units[:count], first, second, made[: count * _UNIT])
            upto = min(end, (units[0] + count) * _UNIT)
            some, drawn = bits[at - start : upto - start], made[at - units[0] * _UNIT :]
            for i in range(some.size):
                below: Any = drawn[i] < level
                chosen = -np.int32(below)  # all ones, or none: a branch would be foretold wrongly too often
                some[i] = (some[i] & ~(cleared & chosen)) ^ (flipped & chosen)
            at = upto
