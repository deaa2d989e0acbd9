"""Methods that change numbers in place, a slice, a group or a selection at a time: what spares them all else."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch

from engine import catalog
from engine.errors import LesionError
from engine.profile.options import complete
from engine.weights.dense import opened
from engine.weights.draws import Draws
from engine.weights.selection import Listed, Ordered, Selection, confined
from engine.weights.slices import Slice


def apply(
    method: str,
    slices: Sequence[Slice],
    level: float | None,
    seed: int,
    options: Mapping[str, Any] | None = None,
    selection: Selection | None = None,
) -> int:
    """Damage the slices in place, or only what is selected of them, and return how many weights that is.

    At the method's neutral level, and with the method `none`, nothing is touched and 0 is returned. Packed weights are
    damaged as float32 numbers, and every parameter that has a slice here is packed again as a whole, at the neutral
    level too. Raises LesionError for a method that does not exist or does not act on weights, and for a level, options,
    a selection or packed weights that it does not accept.
    """
    info = catalog.method(method)
    if not info.implementation:
        return 0
    if info.level is None:
        return requantise(slices)
    check_level(info, level)
    _check_codes(info, slices)
    full_options = complete(info, options or {}, must_exist=False)
    if level == info.level.neutral:
        requantise(slices)
        return 0
    damage: Callable[..., Any] = catalog.load(info.implementation)
    if info.acts_on == "selection":
        if selection is None or isinstance(selection, Listed):
            raise LesionError(f"the method {method} needs a selection that has an order")
        assert level is not None
        with torch.no_grad(), opened(slices) as pieces:
            return int(damage(pieces, selection.share(level), **full_options))
    if info.acts_on in ("blocks", "model") or (selection is not None and not info.elementwise):
        raise LesionError(f"the method {method} cannot be confined to single weights")
    draws = Draws(seed)
    selection = selection.listed() if isinstance(selection, Ordered) else selection

    def change(piece: Slice) -> int:
        if selection is not None:
            return confined(piece, selection, lambda part: damage(part, level, draws, **full_options))
        damage(piece, level, draws, **full_options)
        return piece.numel

    with torch.no_grad():
        if info.acts_on == "group":
            with opened(slices) as pieces:
                damage(pieces, level, draws, **full_options)
            return sum(piece.numel for piece in slices)
        return sum(_one_by_one(slices, change))


def requantise(slices: Iterable[Slice]) -> int:
    """Turn every packed parameter that has a slice here into numbers and pack it again; returns how many weights of
    the slices are packed."""
    packed = [piece for piece in slices if piece.packed is not None]
    with torch.no_grad():
        return sum(_one_by_one(packed, lambda piece: piece.numel))


def _one_by_one(slices: Iterable[Slice], change: Callable[[Slice], int]) -> Iterable[int]:
    """`change` of every slice, all those of one parameter while it is open; what it returned."""
    by_parameter: dict[str, list[Slice]] = {}
    for piece in slices:
        by_parameter.setdefault(piece.parameter, []).append(piece)
    for one in by_parameter.values():
        with opened(one) as pieces:
            yield from [change(piece) for piece in pieces]


def _check_codes(info: catalog.MethodInfo, slices: Iterable[Slice]) -> None:
    """Raises LesionError for packed weights that the method cannot be done to."""
    packed = [piece.parameter for piece in slices if piece.packed is not None]
    if packed and not info.on_codes:
        text = f"{info.name} changes the bits of numbers, and {packed[0]} is stored as codes"
        raise LesionError(f"{text}: leave model.load_in out")


def check_level(info: catalog.MethodInfo, level: float | None) -> None:
    """Raises LesionError unless the method, which has levels, accepts this one."""
    assert info.level is not None
    if level is None:
        raise LesionError(f"{info.name} needs a level: {info.level.symbol}, {info.level.bounds}")
    info.level.check(level)
