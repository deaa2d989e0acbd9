"""Layers as a profile writes them: "0-5", "last 4", "3" or [1, 3], counting from 0; heads and experts likewise."""

import re
from collections.abc import Sequence

from engine.errors import LesionError

Layers = str | tuple[int, ...]

_SPAN = re.compile(r"(\d+)\s*-\s*(\d+)")
_LAST = re.compile(r"last\s+(\d+)")
_DEEPEST = 10_000
_ACCEPTED = 'are written "0-5", "last 4", "3" or [1, 3], counting from 0'


def check_layers(layers: object, noun: str = "layers") -> Layers:
    """`layers` in its one canonical spelling: "0-5", "last 4", or the numbers in rising order ("3" is (3,)).

    Raises LesionError, which speaks of `noun`, where it is none of these, whatever the depth of the model.
    """
    if isinstance(layers, str):
        return _check_text(layers.strip(), noun)
    numbers = [layers] if isinstance(layers, int) else layers
    if not isinstance(numbers, list | tuple) or not numbers or not all(_is_layer(number) for number in numbers):
        raise LesionError(f"{layers!r} names no {noun}; {noun} {_ACCEPTED}")
    if len(set(numbers)) < len(numbers):
        raise LesionError(f"{list(numbers)} names {_one(noun)} twice")
    return tuple(sorted(numbers))


def parse_layers(layers: Layers, depth: int, noun: str = "layers") -> tuple[int, ...]:
    """The numbers of the layers (heads, experts: `noun`) meant, rising, for a model that has `depth` of them.

    Raises LesionError where `layers` is misspelt or names a layer the model does not have.
    """
    checked = check_layers(layers, noun)
    if isinstance(checked, tuple):
        wanted = checked
    elif last := _LAST.fullmatch(checked):
        wanted = tuple(range(depth - int(last[1]), depth))
    else:
        wanted = layer_numbers(checked)
    if wanted[0] < 0 or wanted[-1] >= depth:
        raise LesionError(f"{noun} {layers!r} do not exist: the model has {depth} {noun}, 0 to {depth - 1}")
    return wanted


def same_layers(layers: Layers | None) -> list[int] | str | None:
    """A form of checked layers that is equal for "0-2" and [0, 1, 2]. "last 4" stays: it depends on the model."""
    span = _SPAN.fullmatch(layers) if isinstance(layers, str) else None
    if span:
        return list(range(int(span[1]), int(span[2]) + 1))
    return list(layers) if isinstance(layers, tuple) else layers


def numbered_layers(layers: object) -> Layers:
    """As `check_layers`, for layers that can be told apart without knowing the model's depth. Raises LesionError, too,
    for "last 4"."""
    checked = check_layers(layers)
    if isinstance(checked, str) and _LAST.fullmatch(checked):
        raise LesionError(f'which layers {layers!r} are depends on the model; give them by number, as "0-8" or [1, 3]')
    if isinstance(checked, str) and int(checked.split("-")[1]) >= _DEEPEST:
        raise LesionError(f"layers {layers!r} go beyond any model: numbers below {_DEEPEST:,} are accepted")
    return checked


def layer_numbers(layers: Layers) -> tuple[int, ...]:
    """The numbers of layers that `numbered_layers` accepted, rising."""
    if isinstance(layers, tuple):
        return layers
    first, final = layers.split("-")
    return tuple(range(int(first), int(final) + 1))


def group_name(
    group: str | None,
    layers: Layers | Sequence[int] | None,
    heads: Layers | Sequence[int] | None = None,
    experts: Layers | Sequence[int] | None = None,
    *,
    more: Sequence[str] = (),
) -> str | None:
    """A group with what it was narrowed to: `attn_only[0-5]`, `attn_only[1,3]`, `attn_only[0-5; heads 0,2]`; `more` is
    added as it is."""
    given = (("", layers), ("heads ", heads), ("experts ", experts))
    shown = [word + (only if isinstance(only, str) else ",".join(map(str, only))) for word, only in given if only]
    shown += more
    return f"{group}[{'; '.join(shown)}]" if group and shown else group


def _check_text(text: str, noun: str) -> Layers:
    if text.isdecimal():
        return (int(text),)
    if (last := _LAST.fullmatch(text)) and int(last[1]) > 0:
        return f"last {int(last[1])}"
    if (span := _SPAN.fullmatch(text)) and int(span[1]) <= int(span[2]):
        return f"{int(span[1])}-{int(span[2])}"
    raise LesionError(f"'{text}' names no {noun}; {noun} {_ACCEPTED}")


def _one(noun: str) -> str:
    return f"an {noun[:-1]}" if noun[0] in "aeiou" else f"a {noun[:-1]}"


def _is_layer(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0
