"""Noise: weights are multiplied by random factors, or random numbers are added to them."""

import math

import numpy as np
import torch

from engine.errors import LesionError
from engine.weights import fused
from engine.weights.draws import Draws
from engine.weights.slices import Slice


def mult_gauss(piece: Slice, level: float, draws: Draws) -> None:
    """In place: w becomes w * (1 + level * z) with z from N(0, 1), computed in float32 and rounded once."""
    if fused.multiply(piece, level, draws):
        return
    for weights, z in draws.blocks(piece, "normal"):
        weights.mul_(z.mul_(level).add_(1))


def lognorm(piece: Slice, level: float, draws: Draws) -> None:
    """In place: w becomes w * exp(level * z) with z from N(0, 1), computed in float64 and rounded once."""
    for weights, z in draws.blocks(piece, "normal"):
        weights.mul_(z.double().mul_(level).exp_())


def add_gauss(piece: Slice, level: float, draws: Draws) -> None:
    """In place: w becomes w + level * s * z with z from N(0, 1) and s the standard deviation of the slice's weights,
    computed in float32 and rounded once. Raises LesionError where the slice has weights that are not finite."""
    size = level * _deviation(piece)
    for weights, z in draws.blocks(piece, "normal"):
        weights.add_(z.mul_(size))


def _deviation(piece: Slice) -> float:
    """The standard deviation of the weights about their mean, of all of them (not of a sample), to float32."""
    if not piece.numel:
        return 0.0
    mean = math.fsum(chunk.view.sum(dtype=torch.float64).item() for chunk in piece.chunks()) / piece.numel
    squares = (chunk.view.double().sub_(mean).square_().sum().item() for chunk in piece.chunks())
    deviation = math.sqrt(math.fsum(squares) / piece.numel) if math.isfinite(mean) else mean
    if not math.isfinite(deviation):
        raise LesionError(f"add_gauss needs finite weights, and {piece.parameter} has weights that are NaN or infinite")
    return float(np.float32(deviation))
