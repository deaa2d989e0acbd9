"""Whether equally strong damages differ: treatments and controls, groups, and runs, at one level of one model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from engine import catalog
from engine.analysis.reports.cells import Cell
from engine.analysis.statistics.comparing import Effect, Test, analysis_of_variance, hedges_g, holm, t_test
from engine.errors import LesionError

_MOST = 8
"""Arms of one comparison; with more, pairs are no reading any more."""


@dataclass(frozen=True)
class Pair:
    """Two arms. `p` is that of Welch's test, corrected for all pairs of the comparison by Holm's rule."""

    first: str
    second: str
    welch: Test
    student: Test
    effect: Effect
    p: float


@dataclass(frozen=True)
class Comparison:
    """Arms of one metric, model and level: what they are called, tests of all of them (Welch's, and the classical one,
    which takes spreads to be equal) where they are three or more, and of every two of them."""

    metric: str
    model: str
    level: float
    arms: tuple[str, ...]
    welch: Test | None
    classical: Test | None
    pairs: tuple[Pair, ...]


def comparisons(cells: Sequence[Cell]) -> Iterator[Comparison]:
    """All of one metric's damaged cells that can be compared: at least two arms with two finite values each. Methods
    are set against one another where their levels mean the same."""
    several = len({cell.runs for cell in cells}) > 1
    found: dict[tuple[str, str, float], list[Cell]] = {}
    for cell in cells:
        if cell.level is not None and len(cell.kept) > 1:
            found.setdefault((cell.model, _meaning(cell.method), cell.level), []).append(cell)
    for (model, _, level), arms in found.items():
        if 2 <= len(arms) <= _MOST:
            yield _compared(model, level, arms, several)


def _compared(model: str, level: float, arms: Sequence[Cell], several: bool) -> Comparison:
    names = _names(arms, several)
    values = [arm.kept for arm in arms]
    pairs = [
        Pair(
            names[a],
            names[b],
            t_test(values[a], values[b]),
            t_test(values[a], values[b], equal_spread=True),
            hedges_g(values[a], values[b]),
            1.0,
        )
        for a, b in combinations(range(len(arms)), 2)
    ]
    corrected = holm([pair.welch.p for pair in pairs])
    every = len(arms) > 2
    return Comparison(
        metric=arms[0].metric,
        model=model,
        level=level,
        arms=names,
        welch=analysis_of_variance(values) if every else None,
        classical=analysis_of_variance(values, equal_spread=True) if every else None,
        pairs=tuple(replace(pair, p=p) for pair, p in zip(pairs, corrected, strict=True)),
    )


def _names(arms: Sequence[Cell], several: bool) -> tuple[str, ...]:
    """What tells the arms apart: method, group, and the run where there are several."""
    parts = [(arm.method, arm.group, " + ".join(arm.runs) if several else "") for arm in arms]
    varying = [place for place in range(3) if len({part[place] for part in parts}) > 1] or [0]
    return tuple(" ".join(part[place] for place in varying if part[place]) for part in parts)


def _meaning(method: str) -> str:
    """What the level of a method means; methods that are not known here are alike with themselves alone."""
    try:
        level = catalog.method(method).level
    except LesionError:
        return f"level of {method}"
    return f"{level.symbol}: {level.meaning}" if level else ""
