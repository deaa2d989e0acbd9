"""Quantisation: weights are rounded to few values."""

import math
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.errors import LesionError
from engine.methods.matrices import blocks, oriented, written
from engine.weights.compiled import compiled, spread
from engine.weights.counter import Floats
from engine.weights.draws import Draws
from engine.weights.slices import Slice

_TOGETHER = 2**20
"""Weights that one thread works on: enough to be worth waking it, few enough for a copy, which half precision needs."""


def uni_quant(piece: Slice, level: float, draws: Draws, bounds: str = "asymmetric", per: str = "tensor") -> None:
    """In place: w becomes the nearest of `level` evenly spaced values from `low` to `high`, both included, computed in
    float32 and rounded once. Draws nothing.

    Asymmetric, they go from the smallest to the largest weight of the slice, or of each output channel (`per` tensor or
    channel; a vector is one channel); symmetric, as far below 0 as above, to the weight of largest size. Equal weights
    stay as they are. Raises LesionError where the slice has weights that are not finite: no range to divide.
    """
    if per == "channel":
        _channels(piece, level, symmetric=bounds == "symmetric")
    else:
        _tensor(piece, level, symmetric=bounds == "symmetric")


def _tensor(piece: Slice, level: float, *, symmetric: bool) -> None:
    chunks = [chunk.view for chunk in piece.chunks(_TOGETHER)]
    if not chunks:
        return
    low, high = _range(chunks)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise _endless(piece)
    if low == high:
        return
    if symmetric:
        low, high = -max(-low, high), max(-low, high)
    if piece.tensor.is_cuda:
        for view in chunks:
            _to_grid(view, low, high, level - 1)
    else:
        spread(partial(_to_grid_on_cpu, low=low, high=high, steps=level - 1), chunks)


def _range(chunks: list[Tensor]) -> tuple[float, float]:
    """The smallest and the largest weight; one of them nan where a weight is."""
    if chunks[0].is_cuda:
        extremes = torch.stack([torch.stack(torch.aminmax(view)) for view in chunks]).float()
        return extremes.amin().item(), extremes.amax().item()
    by_chunk = np.empty((len(chunks), 2), np.float32)
    spread(lambda at: _extremes(_plain(chunks[at]).numpy().view(np.int32), by_chunk[at]), range(len(chunks)))
    return float(by_chunk[:, 0].min()), float(by_chunk[:, 1].max())


@compiled("void(int32[::1], float32[::1])")
def _extremes(bits: npt.NDArray[np.int32], extremes: Floats) -> None:
    """The smallest and the largest of float32 numbers given as their bits. Integers of the same order are compared,
    where nan lies beyond infinity: many at once, which numbers that may be nan do not allow."""
    order = np.int32(0x7FFFFFFF)
    low, high = order, -order
    for i in range(bits.size):
        place = bits[i] ^ ((bits[i] >> np.int32(31)) & order)
        low = min(low, place)
        high = max(high, place)
    ends = extremes.view(np.int32)
    ends[0] = low ^ ((low >> np.int32(31)) & order)
    ends[1] = high ^ ((high >> np.int32(31)) & order)


def _plain(weights: Tensor) -> Tensor:
    """The weights, float32 [n]: their own memory where they are that, else a copy."""
    return weights.float().contiguous().view(-1)


def _to_grid(weights: Tensor, low: float, high: float, steps: float) -> None:
    """In place: the nearest of `steps` + 1 values from low to high."""
    share = weights.float().sub(low).mul_(steps / (high - low)).round_().clamp_(0, steps).div_(_there(steps, weights))
    # Both terms, so that a share of 0 gives exactly the smallest weight and a share of 1 exactly the largest.
    weights.copy_((1 - share).mul_(low).add_(share.mul_(high)))


def _there(number: float, like: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The number as a tensor on the device of another, to divide by or to divide. A plain number, or a tensor of the
    host, a GPU divides by in multiplying with the reciprocal: the last bit of up to half of the results is another."""
    return torch.full((), number, dtype=dtype, device=like.device)


def _to_grid_on_cpu(weights: Tensor, low: float, high: float, steps: float) -> None:
    """What `_to_grid` does, bit for bit, in one pass over the weights instead of nine."""
    plain = _plain(weights)
    _nearest(plain.numpy(), *torch.tensor((low, high, steps / (high - low), steps)).numpy())
    if plain.data_ptr() != weights.data_ptr():
        weights.copy_(plain.view(weights.shape))


@compiled("void(float32[::1], float32, float32, float32, float32)")
def _nearest(weights: Floats, low: np.float32, high: np.float32, scale: np.float32, steps: np.float32) -> None:
    """`_to_grid` for float32; `scale` is the number of steps in 1."""
    zero, one = np.float32(0), np.float32(1)
    for i in range(weights.size):
        share = np.rint((weights[i] - low) * scale)
        if share < zero:
            share = zero
        elif share > steps:
            share = steps
        share = share / steps
        weights[i] = (one - share) * low + share * high


def _channels(piece: Slice, level: float, *, symmetric: bool) -> None:
    with written(piece) as weights:
        channels = oriented(piece, weights)
        if not channels.isfinite().all():
            raise _endless(piece)
        for block in blocks(channels):
            _round(block, level - 1, symmetric=symmetric)


def _round(channels: Tensor, steps: float, *, symmetric: bool) -> None:
    """Every row between its own extremes, as `_tensor` does it."""
    low, high = (extreme.float() for extreme in torch.aminmax(channels, dim=1, keepdim=True))
    flat = low == high
    if symmetric:
        high = torch.maximum(-low, high)
        low = -high
    scale = (_there(steps, channels, torch.float64) / (high.double() - low.double())).float().masked_fill_(flat, 0)
    share = channels.float().sub(low).mul_(scale).round_().clamp_(0, steps).div_(_there(steps, channels))
    channels.copy_(torch.where(flat, channels, (1 - share).mul_(low).add_(share.mul_(high))))


def _endless(piece: Slice) -> LesionError:
    return LesionError(f"uni_quant needs finite weights, and {piece.parameter} has weights that are NaN or infinite")
