"""How a metric goes with the size of equally damaged models."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.analysis.gains import HYPOTHESISED_EXPONENT
from engine.analysis.reports.cells import Cell, grouped
from engine.analysis.reports.levels import neutral
from engine.analysis.statistics.laws import PowerLaw, Rival, power_law, rivals
from engine.catalog.columns import metric_of
from engine.profile import Analysis, Reference

PREDICTED = {"7B": 7e9, "12B": 12e9, "13B": 13e9, "70B": 70e9, "175B": 175e9, "1T": 1e12}
"""Sizes for which laws say what they predict."""

SUPPOSED = {"mlp_gain_last": HYPOTHESISED_EXPONENT}
"""Exponents that studies have supposed, by metric."""

SAME_SIZE = 0.02
"""Of a model's parameters: a reference that is as close to a model of the runs is taken to be that model."""


@dataclass(frozen=True)
class Point:
    """A model of a law: the mean of its seeds. `reference`: it was measured elsewhere, and was added by hand."""

    model: str
    params: float
    mean: float
    values: tuple[float, ...]
    reference: bool = False


@dataclass(frozen=True)
class Law:
    """A law of the means of one metric over the sizes of models, equally damaged: by one method, group and level.

    Attributes:
        points: the models that it is fitted to, by size.
        left_out: models whose mean is not above 0, or that have no finite value; a logarithm has no room for them.
        exponent: the one that was asked about; None where none was. against: its t statistic and p-value.
        confidence: of its intervals.
    """

    metric: str
    runs: tuple[str, ...]
    method: str
    group: str
    level: float | None
    points: tuple[Point, ...]
    left_out: tuple[str, ...]
    law: PowerLaw
    rivals: tuple[Rival, ...]
    exponent: float | None
    against: tuple[float, float] | None
    confidence: float

    @property
    def largest(self) -> float:
        """The size of the largest model."""
        return max(point.params for point in self.points)

    @property
    def within_one_error(self) -> bool | None:
        """Whether the exponent that was asked about lies within one standard error; None where there is none."""
        if self.exponent is None or not self.law.fitted:
            return None
        return abs(self.law.exponent - self.exponent) <= self.law.stderr

    def predictions(self) -> dict[str, tuple[float, float, float]]:
        """By the name of a size what the law gives a model of it, and between which values such a model lies."""
        if not self.law.fitted:
            return {}
        return {name: (self.law.at(size), *self.law.band(size, self.confidence)) for name, size in PREDICTED.items()}


def laws(cells: Sequence[Cell], choices: Analysis) -> Iterator[Law]:
    """A law for each method, group and level of one metric's cells that has models of two sizes; its note says why
    there is none. Runs share a law where no model is in two of them. A level that does nothing has no law beside that
    of the undamaged models."""
    undamaged = any(cell.level is None for cell in cells)
    for (method, _, level), of in grouped(cells, lambda cell: (cell.method, cell.group, cell.level)).items():
        if undamaged and level is not None and level == neutral(method):
            continue
        apart = len({cell.model for cell in of}) < len(of)
        for some in grouped(of, lambda cell: cell.runs).values() if apart else [of]:
            yield from _law(some, choices)


def supposed(metric: str, choices: Analysis) -> float | None:
    """The exponent to test a law of this metric against."""
    return SUPPOSED.get(metric_of(metric).name) if choices.exponent is None else choices.exponent


def _law(of: Sequence[Cell], choices: Analysis) -> Iterator[Law]:
    first = of[0]
    usable = [cell for cell in of if cell.params and cell.after.n and cell.after.mean > 0]
    points = [Point(cell.model, float(cell.params or 0), cell.after.mean, tuple(cell.kept)) for cell in usable]
    errors = [cell.after.sd / math.sqrt(cell.after.n) for cell in usable]
    if first.level is None and first.method == "none":
        added = [_point(one) for one in choices.references if one.metric == first.metric and _is_new(one, points)]
        points, errors = points + added, errors + [math.nan] * len(added)
    if len({point.params for point in points}) < 2:
        return
    order = sorted(range(len(points)), key=lambda place: (points[place].params, points[place].model))
    points, errors = [points[place] for place in order], [errors[place] for place in order]
    sizes, means = [point.params for point in points], [point.mean for point in points]
    law = power_law(sizes, means, errors if choices.weighted else None, choices.confidence)
    exponent = supposed(first.metric, choices)
    yield Law(
        first.metric,
        tuple(dict.fromkeys(run for cell in of for run in cell.runs)),
        first.method,
        first.group,
        first.level,
        tuple(points),
        tuple(cell.model for cell in of if cell not in usable),
        law,
        tuple(rivals(sizes, means)),
        exponent,
        None if exponent is None else law.against(exponent),
        choices.confidence,
    )


def _point(reference: Reference) -> Point:
    return Point(reference.name, reference.params, reference.value, (), reference=True)


def _is_new(reference: Reference, points: Sequence[Point]) -> bool:
    """Whether no model of the runs has its name or its size."""
    return not any(
        point.model == reference.name or abs(point.params - reference.params) <= SAME_SIZE * reference.params
        for point in points
    )
