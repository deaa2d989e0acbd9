"""Whether equally strong damages differ: treatments and controls, groups, and runs, at one level of one model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from engine.analysis.reports.cells import Cell, grouped, is_log
from engine.analysis.reports.levels import level_info
from engine.analysis.statistics.comparing import Effect, Test, analysis_of_variance, hedges_g, holm, t_test
from engine.profile import Analysis

MOST_ARMS = 8
"""Arms of one comparison; with more, pairs are no reading any more."""


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: `values` are its logarithms where the comparison is of these."""

    method: str
    group: str
    runs: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Pair:
    """Two arms, by their places. `holm`: the p-value of Welch's test, corrected for all pairs of the metric (Holm)."""

    first: int
    second: int
    welch: Test
    student: Test
    effect: Effect
    holm: float


@dataclass(frozen=True)
class Comparison:
    """The damages of one metric, model and level. `log`: common logarithms are compared. `welch` and `classical` test
    all arms at once, where they are three or more; of more than eight arms there are no pairs."""

    metric: str
    model: str
    level: float
    log: bool
    arms: tuple[Arm, ...]
    welch: Test | None
    classical: Test | None
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Comparisons:
    """All of one metric. `too_few` cells have fewer than two finite values, and are not compared; in `alike`
    comparisons no arm has any spread, and they are left out."""

    made: tuple[Comparison, ...]
    too_few: int
    alike: int


def comparisons(cells: Sequence[Cell], choices: Analysis) -> Comparisons:
    """All of one metric's damaged cells that can be compared: at least two arms with two finite values each. Methods
    are set against one another where their levels mean the same. Always of signed values."""
    damaged = [cell for cell in cells if cell.level is not None]
    by_place = grouped(damaged, lambda cell: (cell.model, _meaning(cell.method), cell.level))
    several = {key: of for key, of in by_place.items() if len(of) > 1}
    too_few = sum(len(cell.kept) < 2 for of in several.values() for cell in of)
    made, alike = [], 0
    for (model, _, level), of in several.items():
        arms = [cell for cell in of if len(cell.kept) > 1]
        if len(arms) < 2:
            continue
        if all(len(set(arm.kept)) == 1 for arm in arms):
            alike += 1
            continue
        made.append(_compared(model, level or 0.0, arms, choices))
    return Comparisons(tuple(_corrected(made)), too_few, alike)


def _compared(model: str, level: float, cells: Sequence[Cell], choices: Analysis) -> Comparison:
    log = is_log(cells[0].metric) and all(value > 0 for cell in cells for value in cell.kept)
    arms = tuple(
        Arm(cell.method, cell.group, cell.runs, tuple(map(math.log10, cell.kept) if log else cell.kept))
        for cell in cells
    )
    values = [arm.values for arm in arms]
    pairs = combinations(range(len(arms)), 2) if len(arms) <= MOST_ARMS else ()
    every = len(arms) > 2
    return Comparison(
        metric=cells[0].metric,
        model=model,
        level=level,
        log=log,
        arms=arms,
        welch=analysis_of_variance(values) if every else None,
        classical=analysis_of_variance(values, equal_spread=True) if every else None,
        pairs=tuple(_pair(a, b, values, choices) for a, b in pairs),
    )


def _pair(a: int, b: int, values: Sequence[tuple[float, ...]], choices: Analysis) -> Pair:
    return Pair(
        a,
        b,
        t_test(values[a], values[b]),
        t_test(values[a], values[b], equal_spread=True),
        hedges_g(values[a], values[b], choices.confidence),
        math.nan,
    )


def _corrected(made: Sequence[Comparison]) -> Iterator[Comparison]:
    """The comparisons, with p-values corrected for all of their pairs."""
    corrected = iter(holm([pair.welch.p for of in made for pair in of.pairs]))
    for of in made:
        yield replace(of, pairs=tuple(replace(pair, holm=next(corrected)) for pair in of.pairs))


def _meaning(method: str) -> str:
    """What the level of a method means; methods that are not known here are alike with themselves alone."""
    level = level_info(method)
    return f"level of {method}" if level is None else f"{level.symbol}: {level.meaning}"
