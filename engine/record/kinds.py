"""Kinds of values that fields of a run's files hold: what a file from elsewhere says is believed of no other kind."""

import math
from collections.abc import Callable, Mapping
from typing import Any

Kind = Callable[[Any], bool]

LATEST = 250_000_000_000.0
"""Unix seconds; no calendar goes much further."""
_LARGEST = 2**63


def text(value: Any) -> bool:
    """A string."""
    return isinstance(value, str)


def flag(value: Any) -> bool:
    """True or False."""
    return isinstance(value, bool)


def whole(value: Any) -> bool:
    """A whole number of at most 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST


def count(value: Any) -> bool:
    """A whole number from 0 up."""
    return whole(value) and value >= 0


def finite(value: Any) -> bool:
    """A number that a float can hold, neither nan nor infinite."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an int of hundreds of digits
        return False


def amount(value: Any) -> bool:
    """A finite number from 0 up: seconds, bytes."""
    return finite(value) and value >= 0


def moment(value: Any) -> bool:
    """Unix seconds that a calendar can show."""
    return amount(value) and value < LATEST


def figure(value: Any) -> bool:
    """What was measured: a number, one that is not finite as such or as its word."""
    return finite(value) or isinstance(value, bool | float) or value in ("nan", "inf", "-inf")


def table(value: Any) -> bool:
    """A JSON object."""
    return isinstance(value, dict)


def places(value: Any) -> bool:
    """Layers, heads or experts: a text, or a list of numbers."""
    return text(value) or listed(whole)(value)


def listed(kind: Kind) -> Kind:
    """A list of values of this kind."""
    return lambda value: isinstance(value, list) and all(map(kind, value))


def named(kind: Kind) -> Kind:
    """A JSON object with values of this kind."""
    return lambda value: isinstance(value, dict) and all(map(kind, value.values()))


def maybe(kind: Kind) -> Kind:
    """A value of this kind, or null."""
    return lambda value: value is None or kind(value)


def unusable(record: Mapping[str, Any], required: Mapping[str, Kind], others: Mapping[str, Kind]) -> str | None:
    """The name of the first field that is of another kind, or required and not there; None where there is none."""
    for name, kind in required.items():
        if name not in record or not kind(record[name]):
            return name
    return next((name for name, kind in others.items() if name in record and not kind(record[name])), None)
