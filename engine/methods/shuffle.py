"""Shuffling: weights change places."""

import torch
from torch import Tensor

from engine.methods.matrices import blocks, oriented, written
from engine.weights.draws import Draws
from engine.weights.slices import Slice

_APART = 2.0
"""Where the weights that stay are sorted to: behind every number below 1."""


def shuffle(piece: Slice, level: float, draws: Draws, within: str) -> None:
    """In place: the weights for which u < level, with u uniform in [0, 1), change places with one another at random:
    anywhere in the slice ("all"), among those of the same output ("rows"), or of the same input ("columns"). Every
    permutation of them is as likely, the one that moves nothing too; a vector is one row."""

    def lines(whole: Tensor) -> Tensor:
        if within == "all":
            return whole.view(1, -1)
        return oriented(piece, whole) if within == "rows" else oriented(piece, whole).mT

    takes_part, order = lines(draws.uniform(piece)) < level, lines(draws.whole(piece, "order"))
    with written(piece) as whole:
        weights = lines(whole)
        for some, moving, rank in zip(blocks(weights), blocks(takes_part), blocks(order), strict=True):
            _permute(some, moving.to(whole.device), rank.to(whole.device))


def _permute(weights: Tensor, takes_part: Tensor, order: Tensor) -> None:
    """In every row, the places of those that take part, from left to right, are filled with them by rising `order`.
    Both sorts leave the others in the order they were in, and so in their places."""
    places = torch.argsort(~takes_part, dim=1, stable=True)
    sources = torch.argsort(order.where(takes_part, _APART), dim=1, stable=True)
    weights.copy_(weights.clone().scatter(1, places, weights.gather(1, sources)))
