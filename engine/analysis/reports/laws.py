"""How a metric goes with the size of equally damaged models, and how much damage it takes to do half of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from engine import catalog
from engine.analysis.reports.cells import Cell
from engine.analysis.reports.choices import Choices
from engine.analysis.statistics.dose_response import DoseResponse, dose_response
from engine.analysis.statistics.laws import PowerLaw, Rival, power_law, rivals
from engine.catalog.columns import CHANGE, metric_of
from engine.errors import LesionError

_Thing = TypeVar("_Thing")
_Key = TypeVar("_Key", bound=Hashable)

PREDICTED = {"7B": 7e9, "12B": 12e9, "13B": 13e9, "70B": 70e9, "175B": 175e9, "1T": 1e12}
"""Sizes for which laws say what they predict."""


@dataclass(frozen=True)
class Law:
    """A law of the means of one metric over the sizes of models, equally damaged: by one method, group and level.

    `against`: the t statistic and p-value of the exponent that was asked about; None where none was.
    """

    metric: str
    runs: tuple[str, ...]
    method: str
    group: str
    level: float | None
    models: tuple[str, ...]
    sizes: tuple[float, ...]
    means: tuple[float, ...]
    law: PowerLaw
    rivals: tuple[Rival, ...]
    against: tuple[float, float] | None

    def predictions(self) -> dict[str, tuple[float, float, float]]:
        """By the name of a size what the law gives a model of it, and where such a model lies with 95 %."""
        if not self.law.fitted:
            return {}
        return {name: (self.law.at(size), *self.law.band(size)) for name, size in PREDICTED.items()}


@dataclass(frozen=True)
class Dose:
    """The dose of half the damage to one model by one method and group."""

    metric: str
    runs: tuple[str, ...]
    model: str
    params: int | None
    method: str
    group: str
    curve: DoseResponse


@dataclass(frozen=True)
class DoseLaw:
    """The dose of half the damage over the sizes of models."""

    metric: str
    method: str
    group: str
    law: PowerLaw


def laws(cells: Sequence[Cell], choices: Choices) -> Iterator[Law]:
    """A law for each method, group and level of one metric's cells that has a model; see its note where it has none."""
    for key, of in _by(cells, lambda cell: (cell.runs, cell.method, cell.group, cell.level)).items():
        sized = [cell for cell in of if cell.params is not None and cell.kept]
        if len({cell.params for cell in sized}) < 2:
            continue
        means = [cell.after.mean for cell in sized]
        sizes = [float(cell.params or 0) for cell in sized]
        errors = [cell.after.sd / math.sqrt(cell.after.n) for cell in sized] if choices.weighted else None
        law = power_law(sizes, means, errors)
        against = None if choices.exponent is None else law.against(choices.exponent)
        names, others = tuple(cell.model for cell in sized), tuple(rivals(sizes, means))
        yield Law(sized[0].metric, *key, names, tuple(sizes), tuple(means), law, others, against)


def doses(cells: Sequence[Cell]) -> Iterator[Dose]:
    """The curve of each model, method and group of one metric's cells, of every trial that a filter left; undamaged
    models are at dose 0. Methods whose levels know no neutral one have no doses."""
    undamaged = {(cell.runs, cell.model): cell for cell in cells if cell.level is None}
    damaged = [cell for cell in cells if cell.level is not None]
    for key, of in _by(damaged, lambda cell: (cell.runs, cell.model, cell.params, cell.method, cell.group)).items():
        neutral = _neutral(of[0].method)
        if neutral is None:
            continue
        start = undamaged.get((of[0].runs, of[0].model))
        pairs = [(abs((cell.level or 0.0) - neutral), value) for cell in of for value in cell.kept]
        pairs += [(0.0, value) for value in start.kept] if start else []
        curve = dose_response([dose for dose, _ in pairs], [value for _, value in pairs], log=_is_log(of[0].metric))
        yield Dose(of[0].metric, *key, curve)


def dose_laws(found: Iterable[Dose]) -> Iterator[DoseLaw]:
    """How the dose of half the damage goes with size, for each method and group of several models."""
    for (method, group), of in _by(found, lambda dose: (dose.method, dose.group)).items():
        sized = [dose for dose in of if dose.params is not None and not math.isnan(dose.curve.half)]
        if len({dose.params for dose in sized}) > 1:
            law = power_law([float(dose.params or 0) for dose in sized], [dose.curve.half for dose in sized])
            yield DoseLaw(of[0].metric, method, group, law)


def _neutral(method: str) -> float | None:
    try:
        level = catalog.method(method).level
    except LesionError:  # of a package that is not here, or of an imported run
        return None
    return level.neutral if level else None


def _is_log(metric: str) -> bool:
    """Whether the response is the metric's logarithm; of a change, which has a sign, never."""
    if metric.endswith(CHANGE):
        return False
    known = catalog.metric(metric_of(metric).name)
    return known is not None and known.log


def _by(things: Iterable[_Thing], key: Callable[[_Thing], _Key]) -> dict[_Key, list[_Thing]]:
    """The things by their key, in the order in which keys come up."""
    groups: dict[_Key, list[_Thing]] = {}
    for thing in things:
        groups.setdefault(key(thing), []).append(thing)
    return groups
