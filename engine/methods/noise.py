"""Noise: weights are multiplied by random factors."""

from engine.methods.draws import Draws
from engine.models.slices import Slice


def mult_gauss(piece: Slice, level: float, draws: Draws) -> None:
    """In place: w becomes w * (1 + level * z) with z from N(0, 1), computed in float32 and rounded once."""
    for weights, z in draws.chunks(piece, "normal"):
        weights.mul_(z.mul_(level).add_(1))
