"""Values of foreign files, believed only where they are of the kind that is expected."""

import math
from collections.abc import Mapping
from typing import Any

from engine.errors import LesionError, quoted
from engine.record.kinds import finite, whole


def figure(held: Mapping[str, Any], key: str, where: str) -> float:
    """A number as it was measured, nan and infinite ones too; in a CSV file a text that says one.

    Raises LesionError, opening with `where`, where there is none.
    """
    value = held.get(key)
    number = _spelt(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise wrong(held, key, where, "a number")
    if not isinstance(number, float) and not finite(number):
        raise wrong(held, key, where, "a number that a float can hold")
    return number


def number(held: Mapping[str, Any], key: str, where: str) -> float:
    """The same of a number that has to be finite."""
    value = figure(held, key, where)
    if not math.isfinite(value):
        raise wrong(held, key, where, "a finite number")
    return value


def integer(held: Mapping[str, Any], key: str, where: str) -> int:
    """A whole number of at most 64 bits; in a CSV file a text that says one. Raises LesionError for anything else."""
    value = held.get(key)
    value = _spelt(value) if isinstance(value, str) else value
    value = int(value) if isinstance(value, float) and value.is_integer() else value
    if not isinstance(value, int) or not whole(value):
        raise wrong(held, key, where, "a whole number")
    return value


def count(held: Mapping[str, Any], key: str, where: str) -> int:
    """The same from 0 up."""
    if (value := integer(held, key, where)) < 0:
        raise wrong(held, key, where, "a whole number from 0 up")
    return value


def text(held: Mapping[str, Any], key: str, where: str) -> str:
    """A text that is not empty. Raises LesionError for anything else."""
    if not isinstance(value := held.get(key), str) or not value:
        raise wrong(held, key, where, "a text")
    return value


def table(held: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    """A JSON object. Raises LesionError for anything else."""
    if not isinstance(value := held.get(key), dict):
        raise wrong(held, key, where, "an object in braces")
    return value


def figures(held: Mapping[str, Any], key: str, where: str) -> list[float]:
    """A list of numbers as they were measured, at least one. Raises LesionError for anything else."""
    if not isinstance(value := held.get(key), list) or not value:
        raise wrong(held, key, where, "a list of numbers")
    return [figure({key: one}, key, where) for one in value]


def wrong(held: Mapping[str, Any], key: str, where: str, expected: str) -> LesionError:
    """The sentence about a value of another kind, or one that is not there."""
    if key not in held:
        return LesionError(f"{where} has no {key!r}, where {expected} is expected")
    return LesionError(f"{where} has {quoted(held[key])} as its {key!r}, where {expected} is expected")


def _spelt(value: str) -> float | None:
    """The number that a cell says; a whole one stays whole, however long."""
    if "_" in value:
        return None
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return None
