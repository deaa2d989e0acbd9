"""Doing to a model what a trial asks for, whatever shape its method has."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from typing import Any

from engine import catalog
from engine.catalog import MethodInfo
from engine.errors import LesionError
from engine.methods.in_place import apply, check_level
from engine.methods.method import Context, Damage, Damaged, Walk
from engine.models.loading import LoadedModel
from engine.profile.options import complete
from engine.weights.draws import Draws
from engine.weights.slices import Slice


def walk(method: str, context: Context) -> Iterator[Damaged]:
    """Do the method of this name to the context's model, at each of its levels in turn.

    Raises LesionError for a method that does not exist, and for a level, options, a group, a selection or packed
    weights that it does not accept; for several levels of a method that does not walk.
    """
    info = catalog.method(method)
    if not info.walks:
        if len(context.levels) > 1:
            raise LesionError(f"the method {method} is done at one level at a time, not at {len(context.levels)}")
        yield damage(info, context)
        return
    for level in context.levels:
        check_level(info, level)
    steps: Walk = catalog.load(info.implementation)
    walked: object = steps(context)
    if not isinstance(walked, Generator):
        raise LesionError(f"the method {method} walks, and so yields a Damaged at each level; {_gave(walked)}")
    with closing(walked):
        for done in walked:
            if not isinstance(done, Damaged):
                raise LesionError(f"the method {method} yields a Damaged at each level; {_gave(done)}")
            yield done


def damage(info: MethodInfo, context: Context) -> Damaged:
    """Do a method that does not walk; as `walk`."""
    if info.acts_on == "model":
        check_level(info, context.level)
        act: Damage = catalog.load(info.implementation)
        done: object = act(context)
        if not isinstance(done, Damaged):
            text = f"the method {info.name} returns a Damaged; {_gave(done)}"
            raise LesionError(text + (", as one that says walks=True does" if isinstance(done, Iterator) else ""))
        return done
    if info.acts_on == "blocks":
        where = (context.loaded, context.group, context.slices)
        return Damaged(bypass(info.name, *where, context.level, context.draws.seed, context.undo, context.options))
    what = (context.slices, context.level, context.draws.seed, context.options, context.selection)
    return Damaged(apply(info.name, *what))


def _gave(what: object) -> str:
    return f"it gave a {type(what).__name__}"


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
    full_options = complete(info, options or {}, must_exist=False)
    chosen = undo.enter_context(damage(loaded.architecture, group, layers, level, Draws(seed), **full_options))
    return sum(piece.numel for piece in slices if piece.layer in chosen)
