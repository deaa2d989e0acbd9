"""Layers as a profile writes them: "0-5", "last 4", "3" or [1, 3], counting from 0; heads and experts likewise."""

import re

from engine.errors import LesionError, quoted, shortened

Layers = str | tuple[int, ...]

_SPAN = re.compile(r"(\d+)\s*-\s*(\d+)")
_LAST = re.compile(r"last\s+(\d+)")
_MOST = 10_000
"""Layers, heads or experts that a model may have: no model comes near."""
_DIGITS = 20
_ACCEPTED = 'are written "0-5", "last 4", "3" or [1, 3], counting from 0'


def check_layers(layers: object, noun: str = "layers") -> Layers:
    """`layers` in its one canonical spelling: "0-5", "last 4", or the numbers in rising order ("3" is (3,)).

    Raises LesionError, which speaks of `noun`, where it is none of these, whatever the depth of the model.
    """
    if isinstance(layers, str):
        return _check_text(layers.strip(), noun)
    numbers = [layers] if isinstance(layers, int) else layers
    if not isinstance(numbers, list | tuple) or not numbers or not all(_is_layer(number) for number in numbers):
        raise LesionError(f"{_shown(layers)} names no {noun}; {noun} {_ACCEPTED}")
    if max(numbers) >= _MOST:
        raise LesionError(_beyond(layers, noun))
    if len(set(numbers)) < len(numbers):
        raise LesionError(f"{_shown(list(numbers))} names {_one(noun)} twice")
    return tuple(sorted(numbers))


def parse_layers(layers: Layers, depth: int, noun: str = "layers") -> tuple[int, ...]:
    """The numbers of the layers (heads, experts: `noun`) meant, rising, for a model that has `depth` of them.

    Raises LesionError where `layers` is misspelt or names a layer the model does not have.
    """
    checked = check_layers(layers, noun)
    if isinstance(checked, tuple):
        numbers = checked
    elif last := _LAST.fullmatch(checked):
        numbers = tuple(range(depth - int(last[1]), depth))
    else:
        numbers = layer_numbers(checked)
    if numbers[0] < 0 or numbers[-1] >= depth:
        raise LesionError(f"{noun} {_shown(layers)} do not exist: the model has {depth} {noun}, 0 to {depth - 1}")
    return numbers


def same_layers(layers: Layers | None) -> list[int] | str | None:
    """A form of checked layers that is equal for "0-2" and [0, 1, 2]. "last 4" stays: it depends on the model."""
    span = _SPAN.fullmatch(layers) if isinstance(layers, str) else None
    if span:
        return list(range(int(span[1]), int(span[2]) + 1))
    return list(layers) if isinstance(layers, tuple) else layers


def place_of(layers: Layers | None) -> object:
    """A short form of checked layers that is equal for "0-2" and [0, 1, 2], and can be hashed."""
    if isinstance(layers, tuple) and layers == tuple(range(layers[0], layers[-1] + 1)):
        return f"{layers[0]}-{layers[-1]}"
    return layers


def numbered_layers(layers: object) -> Layers:
    """As `check_layers`, for layers that can be told apart without knowing the model's depth. Raises LesionError, too,
    for "last 4"."""
    checked = check_layers(layers)
    if isinstance(checked, str) and _LAST.fullmatch(checked):
        raise LesionError(f'which layers {layers!r} are depends on the model; give them by number, as "0-8" or [1, 3]')
    return checked


def layer_numbers(layers: Layers) -> tuple[int, ...]:
    """The numbers of layers that `numbered_layers` accepted, rising."""
    if isinstance(layers, tuple):
        return layers
    first, final = layers.split("-")
    return tuple(range(int(first), int(final) + 1))


def _check_text(text: str, noun: str) -> Layers:
    span, last = _SPAN.fullmatch(text), _LAST.fullmatch(text)
    for number in span.groups() if span else last.groups() if last else [text] if text.isdecimal() else []:
        if len(number) > _DIGITS or int(number) >= _MOST:
            raise LesionError(_beyond(text, noun))
    if text.isdecimal():
        return (int(text),)
    if last and int(last[1]) > 0:
        return f"last {int(last[1])}"
    if span and int(span[1]) <= int(span[2]):
        return f"{int(span[1])}-{int(span[2])}"
    raise LesionError(f"{quoted(text)} names no {noun}; {noun} {_ACCEPTED}")


def _beyond(layers: object, noun: str) -> str:
    return f"{noun} {_shown(layers)} go beyond any model: numbers below {_MOST:,} are accepted"


def _shown(layers: object) -> str:
    """What was given, as a message quotes it."""
    return shortened(repr(layers))


def _one(noun: str) -> str:
    return f"an {noun[:-1]}" if noun[0] in "aeiou" else f"a {noun[:-1]}"


def _is_layer(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0
