"""Kinds of values that fields of a run's files hold: what a file from elsewhere says is believed of no other kind."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

LATEST = 250_000_000_000.0
"""Unix seconds; no calendar goes much further."""
_LARGEST = 2**63
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def as_it_is(value: Any) -> Any:
    """The value itself."""
    return value


@dataclass(frozen=True)
class Kind:
    """What a field may hold.

    Attributes:
        words: what docs/PROTOCOL.md calls it.
        fits: whether a value is of it, one of JSON or one of ours.
        read: from JSON to ours, of a value that fits.
        written: from ours to JSON; what is not finite becomes a word only when the line is made.
        sure: types of which every value fits, so that nobody has to ask `fits`.
    """

    words: str
    fits: Callable[[Any], bool]
    read: Callable[[Any], Any] = as_it_is
    written: Callable[[Any], Any] = as_it_is
    sure: frozenset[type] = frozenset()

    def __call__(self, value: Any) -> bool:
        """Whether a value is of this kind."""
        return type(value) in self.sure or self.fits(value)


def number(value: Any) -> Any:
    """A number as it was before it was written: "nan", "inf" and "-inf" are floats again, all else is left alone."""
    return _WORDS.get(value, value) if isinstance(value, str) else value


def word(value: Any) -> Any:
    """A float that is not finite as "nan", "inf" or "-inf", all else as it is."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST


def _count(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value < _LARGEST and not isinstance(value, bool)


def _finite(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an int of hundreds of digits
        return False


def _figure(value: Any) -> bool:
    return _finite(value) or isinstance(value, bool | float) or (isinstance(value, str) and value in _WORDS)


def _within(kind: Kind) -> str:
    return f"({kind.words})" if " or " in kind.words else kind.words


def misfits(kind: Kind, values: Collection[Any]) -> bool:
    """Whether any of many values is not of this kind."""
    return not (kind.sure.issuperset(map(type, values)) or all(map(kind, values)))


def listed(kind: Kind) -> Kind:
    """A list of values of this kind, with us a tuple."""
    return Kind(
        f"list of {_within(kind)}",
        lambda value: isinstance(value, list | tuple) and not misfits(kind, value),
        lambda value: tuple(map(kind.read, value)),
        lambda value: list(map(kind.written, value)),
    )


def named(kind: Kind) -> Kind:
    """A JSON object with values of this kind."""
    return Kind(
        f"{_within(kind)} by name",
        lambda value: isinstance(value, dict) and not misfits(kind, value.values()),
        lambda value: {name: kind.read(one) for name, one in value.items()},
        lambda value: {name: kind.written(one) for name, one in value.items()},
    )


def either(*kinds: Kind) -> Kind:
    """A value of one of these kinds, the first that fits."""

    def of(value: Any) -> Kind:
        return next(kind for kind in kinds if kind.fits(value))

    return Kind(
        " or ".join(kind.words for kind in kinds),
        lambda value: any(kind.fits(value) for kind in kinds),
        lambda value: of(value).read(value),
        lambda value: of(value).written(value),
    )


def maybe(kind: Kind) -> Kind:
    """A value of this kind, or null."""
    return Kind(
        f"{kind.words} or null",
        lambda value: value is None or kind.fits(value),
        kind.read if kind.read is as_it_is else lambda value: None if value is None else kind.read(value),
        kind.written if kind.written is as_it_is else lambda value: None if value is None else kind.written(value),
        kind.sure | {type(None)},
    )


def one_of(*words: str) -> Kind:
    """One of these words."""
    return Kind(" or ".join(f'"{one}"' for one in words), lambda value: isinstance(value, str) and value in words)


anything = Kind("anything", lambda value: True)
text = Kind("text", lambda value: isinstance(value, str), sure=frozenset({str}))
flag = Kind("true or false", lambda value: isinstance(value, bool), sure=frozenset({bool}))
whole = Kind("whole number", _whole)
"""Of at most 64 bits."""
count = Kind("count", _count)
"""A whole number from 0 up."""
finite = Kind("number", _finite)
"""One that a float can hold, neither nan nor infinite."""
amount = Kind("amount", lambda value: _finite(value) and value >= 0)
"""A finite number from 0 up: seconds, bytes."""
moment = Kind("time", lambda value: _finite(value) and 0 <= value < LATEST)
"""Unix seconds that a calendar can show."""
figure = Kind("figure", _figure, number, sure=frozenset({float, bool}))
"""What was measured: a number, one that is not finite as such or as its word."""
table = Kind("table", lambda value: isinstance(value, dict), sure=frozenset({dict}))
"""A JSON object."""
places = either(text, listed(whole))
"""Layers, heads or experts."""

Text = Annotated[str, text]
Flag = Annotated[bool, flag]
Whole = Annotated[int, whole]
Count = Annotated[int, count]
Finite = Annotated[float, finite]
Amount = Annotated[float, amount]
Moment = Annotated[float, moment]
Figure = Annotated[float, figure]
Table = Annotated[Mapping[str, Any], table]
Places = Annotated[str | tuple[int, ...], places]


def unusable(plain: Mapping[str, Any], required: Mapping[str, Kind], others: Mapping[str, Kind]) -> str | None:
    """The name of the first field that is of another kind, or required and not there; None where there is none."""
    for name, kind in required.items():
        if name not in plain or not kind(plain[name]):
            return name
    return next((name for name, kind in others.items() if name in plain and not kind(plain[name])), None)
