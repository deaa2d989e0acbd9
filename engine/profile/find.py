"""Searching a dose: the level at which a metric crosses a value, bracketed, then bisected.

What is tried next follows from the metric at the levels tried so far and from nothing else, so that a search that was
cut off goes the same way as one that was not.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from engine.catalog import LevelInfo
from engine.errors import LesionError
from engine.profile.faults import fault, show
from engine.profile.fields import Float, Table, Text

_FIRST = 8
"""Tolerances from the start to the first level tried."""
_GROWTH = 4
"""How many times farther each next one lies, until the metric has crossed."""
_RELATIVE = re.compile(r"\s*(?:(\d+(?:\.\d*)?|\.\d+)\s*x|([+-](?:\d+(?:\.\d*)?|\.\d+))\s*%)\s*")


def _check_crosses(value: object) -> object:
    if isinstance(value, str) and not _RELATIVE.fullmatch(value):
        text = f'{show(value)} is no value to cross; give a number, "2x" or "-50%" of the undamaged model\'s'
        raise fault(text)
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise fault(f'must be a number, or a text such as "2x" or "-50%", not {show(value)}')
    return float(value) if isinstance(value, int) else value


Crosses = Annotated[
    Text | Float,
    BeforeValidator(_check_crosses),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[0-9.]+ ?x$|^[+-][0-9.]+ ?%$"}]}),
]


class Find(Table):
    """A level to be found, for each model, group and seed."""

    find: Text = Field(description="the metric, as records name it")
    crosses: Crosses = Field(description='the value it crosses: a number, or "2x" or "-50%" of the undamaged model\'s')
    within: Float = Field(
        gt=0, description="how closely the level is to be known: a difference, or with geometric spacing a share of it"
    )
    start: Float | None = Field(None, alias="from", description="mildest level; unset: where nothing changes")
    stop: Float | None = Field(None, alias="to", description="strongest level; unset: the strongest that there is")
    spacing: Literal["linear", "geometric"] | None = Field(None, description="unset: the method's own spacing")

    def threshold(self, undamaged: float | None) -> float | None:
        """The value that is to be crossed, by the undamaged model's; None where that is needed and no number."""
        if isinstance(self.crosses, float):
            return self.crosses
        if undamaged is None or not math.isfinite(undamaged):
            return None
        factor, percent = _parts(self.crosses)
        return undamaged * factor if percent is None else undamaged + abs(undamaged) * percent / 100


def _parts(text: str) -> tuple[float, float | None]:
    """From "2x" to (2, None), from "-50%" to (1, -50)."""
    matched = _RELATIVE.fullmatch(text)
    assert matched is not None
    return (float(matched[1]), None) if matched[1] else (1.0, float(matched[2]))


class Axis:
    """The levels that a search may try, from the mildest on: `place` is how far a level is from there, in the spacing's
    own measure (a difference, or the logarithm of a ratio), at most `length`.

    Raises LesionError, with the key as its field, for bounds that the method or the spacing does not allow.
    """

    def __init__(self, find: Find, info: LevelInfo) -> None:
        self._info = info
        self._geometric = (find.spacing or info.spacing) == "geometric"
        self.start = _mildest(find, info)
        stop = (info.low if info.descending else info.high) if find.stop is None else find.stop
        for key, level in (("from", self.start), ("to", stop)):
            _check(info, level, key)
        if self._geometric and (self.start <= 0 or stop <= 0):
            key = "from" if self.start <= 0 else "to"
            raise LesionError("geometric spacing needs levels above 0", field=key)
        if self.start == stop:
            raise LesionError(f"a search needs room, and {stop:g} is where it starts", field="to")
        self._sign = 1 if stop > self.start else -1
        self.stop = stop
        self.length = self.place(stop)
        smallest = (math.log1p(1 / max(self.start, stop)) if self._geometric else 1.0) if info.integer else 0.0
        self.within = max(math.log1p(find.within) if self._geometric else find.within, smallest)
        if self.within >= self.length:
            raise LesionError(f"must be less than the way from {self.start:g} to {stop:g}", field="within")

    def place(self, level: float) -> float:
        """Of a level between start and stop."""
        return self._sign * (math.log(level / self.start) if self._geometric else level - self.start)

    def level(self, place: float) -> float:
        """The level nearest to a place, rounded as ranges of levels are."""
        if place >= self.length:
            return self.stop
        exact = self.start * math.exp(self._sign * place) if self._geometric else self.start + self._sign * place
        return float(round(exact)) if self._info.integer else float(f"{exact:.10g}")

    def middle(self, low: float, high: float) -> float:
        """The level halfway between two."""
        return self.level((self.place(low) + self.place(high)) / 2)

    @property
    def usual(self) -> float:
        """A level such as a search may try, for what depends on it: where its way out may lead."""
        return self.level(_FIRST * _GROWTH * self.within)

    @property
    def most(self) -> int:
        """More levels than any search tries: those of its way out, those of bisecting the longest bracket, and one."""
        out = math.ceil(math.log(max(self.length / (_FIRST * self.within), 1), _GROWTH)) + 1
        return out + math.ceil(math.log2(max(self.length / self.within, 1))) + 2


def _mildest(find: Find, info: LevelInfo) -> float:
    if find.start is not None:
        return find.start
    if info.neutral is not None:
        return info.neutral
    return info.high if info.descending else info.low


def _check(info: LevelInfo, level: float, key: str) -> None:
    try:
        info.check(level)
    except LesionError as error:
        raise LesionError(str(error), field=key) from None


Verdict = Literal["found", "never", "at once", "unknown"]


@dataclass(frozen=True)
class Looked:
    """How far a search is. `level` is to be tried next; None: it has ended, and `verdict` says how.

    found: the metric has crossed between `low`, the strongest level at which it had not, and `high`, at which it
    had. never: it has not at the strongest level. at once: it had at the mildest one. unknown: there is nothing to
    compare with, or a trial gave no value; `reason` says which.
    """

    level: float | None = None
    verdict: Verdict = "unknown"
    low: float = math.nan
    high: float = math.nan
    reason: str = ""


def look(find: Find, info: LevelInfo, undamaged: float | None, values: Mapping[float, float | None]) -> Looked:
    """What follows from the metric's `values` by level (None: the trial gave none) and its `undamaged` value.

    The metric has crossed where it is on the other side of the value than it is undamaged, or on it, and where it is no
    number: a model that computes none is broken.
    """
    axis = Axis(find, info)
    tried = dict(values)
    if info.neutral == axis.start:
        tried.setdefault(axis.start, undamaged)
    value = find.threshold(undamaged)
    first = axis.level(min(_FIRST * axis.within, axis.length)) if axis.start in tried else axis.start
    if not values:  # before the undamaged model is known
        return Looked(first)
    if value is None or undamaged is None or not math.isfinite(undamaged):
        return Looked(reason="the undamaged model has no finite value to compare with")
    if value == undamaged:
        return Looked(reason="the undamaged model is where the crossing would be")
    return _Walk(axis, tried, value, rising=value > undamaged).on()


class _Walk:
    """Along an axis, by what was found at the levels tried."""

    def __init__(self, axis: Axis, tried: Mapping[float, float | None], value: float, *, rising: bool) -> None:
        self._axis, self._tried, self._value, self._rising = axis, tried, value, rising

    def on(self) -> Looked:
        """To the first level that was not tried, or to the end."""
        if self._axis.start not in self._tried:
            return Looked(self._axis.start)
        if (crossed := self._crossed(self._axis.start)) is None:
            return self._lost(self._axis.start)
        if crossed:
            return Looked(verdict="at once", high=self._axis.start)
        return self._out()

    def _out(self) -> Looked:
        low, place = self._axis.start, _FIRST * self._axis.within
        while True:
            level = self._axis.level(place)
            if level not in self._tried:
                return Looked(level)
            if (crossed := self._crossed(level)) is None:
                return self._lost(level)
            if crossed:
                return self._between(low, level)
            if level == self._axis.stop:
                return Looked(verdict="never", low=level)
            low, place = level, place * _GROWTH

    def _between(self, low: float, high: float) -> Looked:
        axis = self._axis
        while axis.place(high) - axis.place(low) > axis.within * (1 + 1e-9):
            middle = axis.middle(low, high)
            if middle in (low, high):
                break
            if middle not in self._tried:
                return Looked(middle)
            if (crossed := self._crossed(middle)) is None:
                return self._lost(middle)
            low, high = (low, middle) if crossed else (middle, high)
        return Looked(verdict="found", low=low, high=high)

    def _crossed(self, level: float) -> bool | None:
        value = self._tried[level]
        if value is None:
            return None
        return math.isnan(value) or (value >= self._value if self._rising else value <= self._value)

    def _lost(self, level: float) -> Looked:
        return Looked(reason=f"the trial at level {level:g} has no value")
