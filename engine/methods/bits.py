"""Bit flips in the numbers as they are stored."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.methods.floats import format_of, integers
from engine.weights.draws import Draws
from engine.weights.selection import first
from engine.weights.slices import Slice


def bit_flip(piece: Slice, level: float, draws: Draws, bit: str) -> None:
    """In place: one bit of w flips where u < level, with u uniform in [0, 1): each bit of the part `bit` of the number
    ("any", "sign", "exponent", "mantissa") is as likely. All other bits stay."""
    chosen = draws.chunks(piece, "uniform")
    for (weights, v), (_, u) in zip(draws.chunks(piece, "bit"), chosen, strict=True):
        _flip(weights, v, u < level, bit)


def bit_flips(pieces: Sequence[Slice], level: float, draws: Draws, bit: str) -> None:
    """In place: `level` weights of the group, or all where there are fewer, get the flip that `bit_flip` gives them:
    those with the smallest u, which are the first to flip as the level of bit_flip rises."""
    listed = first(pieces, "uniform", int(level), draws).listed()
    for piece in pieces:
        if masks := listed.masks(piece):
            for (weights, v), chosen in zip(draws.chunks(piece, "bit"), masks, strict=True):
                _flip(weights, v, chosen, bit)


def _flip(weights: Tensor, v: Tensor, chosen: Tensor, bit: str) -> None:
    """In the chosen weights, flips the bit that v, uniform in [0, 1), picks."""
    layout = format_of(weights.dtype)
    begin, count = layout.span(bit)
    position = (v.double() * count).to(torch.int64).add_(begin)
    pattern = torch.ones_like(position).bitwise_left_shift_(position).to(layout.integer)
    integers(weights).bitwise_xor_(pattern.mul_(chosen))
