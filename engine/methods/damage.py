"""Applying a method of the catalog to slices."""

from collections.abc import Iterable

import torch

from engine import catalog
from engine.errors import LesionError
from engine.methods.draws import Draws
from engine.models.slices import Slice


def apply(method: str, slices: Iterable[Slice], level: float | None, seed: int) -> int:
    """Damage the slices in place, one after the other, and return how many weights they hold.

    At the method's neutral level, and with the method `none`, nothing is touched and 0 is returned. Raises LesionError
    for a method that does not exist and a level that it does not accept.
    """
    info = catalog.method(method)
    if info.level is None:
        return 0
    if level is None:
        raise LesionError(f"{method} needs a level: {info.level.symbol}, {info.level.bounds}")
    info.level.check(level)
    if level == info.level.neutral:
        return 0
    damage = catalog.load(info.implementation)
    draws = Draws(seed)
    touched = 0
    with torch.no_grad():
        for piece in slices:
            damage(piece, level, draws)
            touched += piece.numel
    return touched
