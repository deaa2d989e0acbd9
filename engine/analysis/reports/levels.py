"""Levels as doses: how far a level lies from the one that does nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from engine import catalog
from engine.catalog import LevelInfo


@dataclass(frozen=True)
class Scale:
    """The doses of one method. `meaning` says what a dose is; `neutral` is the level of dose 0, None where a dose is
    one over the level."""

    meaning: str
    neutral: float | None

    def dose(self, level: float) -> float:
        """0 or more; inf for a level of 0 where a dose is one over it."""
        if self.neutral is not None:
            return abs(level - self.neutral)
        return 1 / level if level else math.inf


def level_info(method: str) -> LevelInfo | None:
    """What a method's level is; None where it has none, and for methods that are not known here, as those of a package
    that is not installed any more."""
    known = catalog.methods().get(method)
    return known.level if known else None


def neutral(method: str) -> float | None:
    """The level at which a method does nothing; None where there is none, or it is not known."""
    known = level_info(method)
    return known.neutral if known else None


def scale(method: str, levels: Iterable[float]) -> Scale | str:
    """The doses of a method, or why these levels have none."""
    known = level_info(method)
    if known is None:
        return f"what the level of {method} means is not known here, so that it is no dose"
    if known.neutral is None:
        if known.descending:
            return Scale(f"1 / {known.symbol}", None)
        return f"no level of {method} does nothing, so that there is no dose to count from"
    if len({level > known.neutral for level in levels if level != known.neutral}) > 1:
        return f"levels of {method} lie on both sides of {known.neutral:g}, which does nothing"
    return Scale(known.symbol if known.neutral == 0 else f"|{known.symbol} - {known.neutral:g}|", known.neutral)
