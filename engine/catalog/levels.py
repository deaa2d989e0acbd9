"""What a method's level may be."""

import math
from dataclasses import dataclass
from typing import Literal

from engine.errors import LesionError

Spacing = Literal["linear", "geometric"]


@dataclass(frozen=True)
class LevelInfo:
    """The meaning of a method's level, its bounds, and how a range of levels is spaced."""

    symbol: str
    meaning: str
    low: float
    high: float
    low_open: bool = False
    spacing: Spacing = "linear"
    integer: bool = False
    neutral: float | None = None
    """The level at which nothing changes; None where there is no such level."""
    descending: bool = False
    """Whether damage grows as the level falls."""

    @property
    def bounds(self) -> str:
        """What is accepted, in words: "a number from 0 to 1"."""
        kind = "a whole number" if self.integer else "a number"
        start = f"above {self.low:g} and up to" if self.low_open else f"from {self.low:g} to"
        return f"{kind} {start} {self.high:g}"

    def check(self, level: float) -> None:
        """Raises LesionError unless `level` is finite, within bounds, and whole where it must be."""
        above = level > self.low if self.low_open else level >= self.low
        if not (math.isfinite(level) and above and level <= self.high and (not self.integer or level == int(level))):
            raise LesionError(f"level {level:.10g} is not possible: {self.symbol}, {self.meaning}, is {self.bounds}")

    def spread(self, start: float, stop: float, steps: int, spacing: Spacing | None = None) -> list[float]:
        """Levels from `start` to `stop`, both included, rounded to ten significant digits (whole levels: to whole
        numbers, each once, so there may be fewer than `steps`).

        Raises LesionError for fewer than two steps, or geometric spacing from or to a level that is not above 0.
        """
        if steps < 2:
            raise LesionError(f"a range of levels needs at least 2 steps, not {steps}")
        if (spacing or self.spacing) == "geometric":
            if start <= 0 or stop <= 0:
                raise LesionError(f"geometric spacing needs levels above 0, not from {start:g} to {stop:g}")
            values = [start * (stop / start) ** (i / (steps - 1)) for i in range(steps)]
        else:
            values = [start + (stop - start) * i / (steps - 1) for i in range(steps)]
        if not all(map(math.isfinite, values)):
            raise LesionError(f"a range of levels cannot go from {start:g} to {stop:g}; levels are {self.bounds}")
        if self.integer:
            return list(dict.fromkeys(max(float(round(value)), self.low) for value in values))
        return [float(f"{value:.10g}") for value in values]
