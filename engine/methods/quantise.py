"""Quantisation: weights are rounded to few values."""

import math

import torch

from engine.errors import LesionError
from engine.methods.draws import Draws
from engine.models.slices import Slice


def uni_quant(piece: Slice, level: float, draws: Draws) -> None:
    """In place: w becomes the nearest of `level` evenly spaced values between the slice's smallest and largest weight,
    both included, computed in float32 and rounded once; a slice of equal weights stays as it is. Draws nothing.

    Raises LesionError where the slice has weights that are not finite: no range to divide.
    """
    extremes = [torch.stack(torch.aminmax(chunk.view)).float() for chunk in piece.chunks()]
    if not extremes:
        return
    low, high = torch.stack(extremes).amin().item(), torch.stack(extremes).amax().item()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise LesionError(f"uni_quant needs finite weights, and {piece.parameter} has weights that are NaN or infinite")
    if low == high:
        return
    steps = level - 1
    for chunk in piece.chunks():
        share = chunk.view.float().sub(low).mul_(steps / (high - low)).round_().clamp_(0, steps).div_(steps)
        # Both terms, so that a share of 0 gives exactly the smallest weight and a share of 1 exactly the largest.
        chunk.view.copy_((1 - share).mul_(low).add_(share.mul_(high)))
