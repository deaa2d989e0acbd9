"""Layers as a profile writes them: "0-5", "last 4", "3" or [1, 3]; layers count from 0."""

import re

from engine.errors import LesionError

Layers = str | tuple[int, ...]

_SPAN = re.compile(r"(\d+)\s*-\s*(\d+)")
_LAST = re.compile(r"last\s+(\d+)")
_ACCEPTED = 'layers are written "0-5", "last 4", "3" or [1, 3], counting from 0'


def check_layers(layers: object) -> Layers:
    """`layers` in its one canonical spelling: "0-5", "last 4", or the numbers in rising order ("3" is (3,)).

    Raises LesionError where it is none of these, whatever the depth of the model.
    """
    if isinstance(layers, str):
        return _check_text(layers.strip())
    numbers = [layers] if isinstance(layers, int) else layers
    if not isinstance(numbers, list | tuple) or not numbers or not all(_is_layer(number) for number in numbers):
        raise LesionError(f"{layers!r} names no layers; {_ACCEPTED}")
    if len(set(numbers)) < len(numbers):
        raise LesionError(f"{list(numbers)} names a layer twice")
    return tuple(sorted(numbers))


def parse_layers(layers: Layers, depth: int) -> tuple[int, ...]:
    """The numbers of the layers meant, rising, for a model of `depth` layers.

    Raises LesionError where `layers` is misspelt or names a layer the model does not have.
    """
    checked = check_layers(layers)
    if isinstance(checked, tuple):
        wanted = checked
    elif last := _LAST.fullmatch(checked):
        wanted = tuple(range(depth - int(last[1]), depth))
    else:
        first, final = checked.split("-")
        wanted = tuple(range(int(first), int(final) + 1))
    if wanted[0] < 0 or wanted[-1] >= depth:
        raise LesionError(f"layers {layers!r} do not exist: the model has {depth} layers, 0 to {depth - 1}")
    return wanted


def same_layers(layers: Layers | None) -> list[int] | str | None:
    """A form of checked layers that is equal for "0-2" and [0, 1, 2]. "last 4" stays: it depends on the model."""
    span = _SPAN.fullmatch(layers) if isinstance(layers, str) else None
    if span:
        return list(range(int(span[1]), int(span[2]) + 1))
    return list(layers) if isinstance(layers, tuple) else layers


def _check_text(text: str) -> Layers:
    if text.isdecimal():
        return (int(text),)
    if (last := _LAST.fullmatch(text)) and int(last[1]) > 0:
        return f"last {int(last[1])}"
    if (span := _SPAN.fullmatch(text)) and int(span[1]) <= int(span[2]):
        return f"{int(span[1])}-{int(span[2])}"
    raise LesionError(f"'{text}' names no layers; {_ACCEPTED}")


def _is_layer(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0
