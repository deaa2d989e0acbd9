"""Doing to a model what a trial asks for, whatever shape its method has."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from engine import catalog
from engine.errors import LesionError
from engine.methods.in_place import apply, check_level
from engine.methods.method import Context, Damage, Damaged
from engine.models.loading import LoadedModel
from engine.profile.options import complete
from engine.weights.draws import Draws
from engine.weights.slices import Slice


def damage(method: str, context: Context) -> Damaged:
    """Do the method of this name to the context's model.

    Raises LesionError for a method that does not exist, and for a level, options, a group, a selection or packed
    weights that it does not accept.
    """
    info = catalog.method(method)
    if info.acts_on == "model":
        check_level(info, context.level)
        act: Damage = catalog.load(info.implementation)
        return act(context)
    if info.acts_on == "blocks":
        where = (context.loaded, context.group, context.slices)
        return Damaged(bypass(method, *where, context.level, context.draws.seed, context.undo, context.options))
    what = (context.slices, context.level, context.draws.seed, context.options, context.selection)
    return Damaged(apply(method, *what))


def bypass(
    method: str,
    loaded: LoadedModel,
    group: str,
    slices: Sequence[Slice],
    level: float,
    seed: int,
    undo: ExitStack,
    options: Mapping[str, Any] | None = None,
) -> int:
    """Apply a method that acts on blocks, in the layers that the group's slices are in, until `undo` is closed; returns
    how many weights are without effect. Raises LesionError as `apply` does, and for a group that it cannot be done to.
    """
    info = catalog.method(method)
    check_level(info, level)
    if info.groups and group not in info.groups:
        raise LesionError(f"{method} cannot be done to {group}; only to {', '.join(info.groups)}")
    layers = {piece.layer for piece in slices if piece.layer is not None}
    damage: Callable[..., AbstractContextManager[set[int]]] = catalog.load(info.implementation)
    given = complete(info, options or {})
    chosen = undo.enter_context(damage(loaded.architecture, group, layers, level, Draws(seed), **given))
    return sum(piece.numel for piece in slices if piece.layer in chosen)
