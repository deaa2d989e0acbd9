"""Quantisation: weights are rounded to few values."""

import math

import torch
from torch import Tensor

from engine.errors import LesionError
from engine.methods.draws import Draws
from engine.methods.matrices import blocks, oriented, written
from engine.models.slices import CHUNK, Slice


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
    extremes = [torch.stack(torch.aminmax(chunk.view)).float() for chunk in piece.chunks()]
    if not extremes:
        return
    low, high = torch.stack(extremes).amin().item(), torch.stack(extremes).amax().item()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise _endless(piece)
    if low == high:
        return
    if symmetric:
        low, high = -max(-low, high), max(-low, high)
    steps = level - 1
    one = torch.ones((), device=piece.tensor.device)
    memory = torch.empty(2, CHUNK, device=piece.tensor.device)  # fresh memory costs more than the arithmetic
    for chunk in piece.chunks():
        share, rest = (part[: chunk.view.numel()].view(chunk.view.shape) for part in memory)
        torch.sub(chunk.view.float(), low, out=share)
        share.mul_(steps / (high - low)).round_().clamp_(0, steps).div_(steps)
        # Both terms, so that a share of 0 gives exactly the smallest weight and a share of 1 exactly the largest.
        torch.sub(one, share, out=rest).mul_(low)
        chunk.view.copy_(rest.add_(share.mul_(high)))


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
    scale = (steps / (high.double() - low.double())).float().masked_fill_(flat, 0)
    share = channels.float().sub(low).mul_(scale).round_().clamp_(0, steps).div_(steps)
    channels.copy_(torch.where(flat, channels, (1 - share).mul_(low).add_(share.mul_(high))))


def _endless(piece: Slice) -> LesionError:
    return LesionError(f"uni_quant needs finite weights, and {piece.parameter} has weights that are NaN or infinite")
