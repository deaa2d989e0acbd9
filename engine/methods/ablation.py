"""Ablation: weights are set to zero."""

from engine.methods.draws import Draws
from engine.models.slices import Slice


def ablation(piece: Slice, level: float, draws: Draws) -> None:
    """In place: w becomes 0 where u < level, with u uniform in [0, 1); all other weights keep their bits."""
    for weights, u in draws.chunks(piece, "uniform"):
        weights.masked_fill_(u < level, 0)
