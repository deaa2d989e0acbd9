"""Weights multiplied by one number, or by -1 at random."""

import torch

from engine.methods.floats import format_of
from engine.weights import fused
from engine.weights.draws import Draws
from engine.weights.slices import Slice


def scale(piece: Slice, level: float, draws: Draws) -> None:
    """In place: w becomes w * level, computed in float32 and rounded once. Draws nothing."""
    for chunk in piece.chunks():
        chunk.view.mul_(level)


def sign_flip(piece: Slice, level: float, draws: Draws) -> None:
    """In place: w becomes -w, in its highest bit alone, where u < level, with u uniform in [0, 1). These are the
    weights that ablation at the same level and seed zeroes."""
    sign = torch.iinfo(format_of(piece.tensor.dtype).integer).min
    if fused.change_below(piece, level, draws, cleared=0, flipped=sign):
        return
    for weights, u in draws.chunks(piece, "uniform"):
        weights.copy_(torch.where(u < level, weights.neg(), weights))
