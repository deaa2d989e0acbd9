"""How much damage it takes to do half of it, and how that goes with the size of the model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.analysis.reports.cells import Cell, grouped, is_log
from engine.analysis.reports.levels import Scale, scale
from engine.analysis.statistics.correlation import Correlation, pearson, spearman
from engine.analysis.statistics.dose_response import DoseResponse, dose_response
from engine.analysis.statistics.laws import PowerLaw, power_law
from engine.profile import Analysis


@dataclass(frozen=True)
class Dose:
    """One metric of one model under all levels of a method on a group.

    Attributes:
        meaning: what a dose is; empty where the levels are none, `curve` then says why.
        doses, responses: of every trial, undamaged ones at dose 0 unless a level is there; absolute where asked for.
        curve: the logistic curve through them. half: the dose of half the damage is its `half`.
        pearson, spearman: of doses above 0 and responses, of which logarithms are taken where the curve has them.
    """

    metric: str
    runs: tuple[str, ...]
    model: str
    params: int | None
    method: str
    group: str
    meaning: str
    doses: tuple[float, ...]
    responses: tuple[float, ...]
    curve: DoseResponse
    pearson: Correlation
    spearman: Correlation


@dataclass(frozen=True)
class DoseLaw:
    """The dose of half the damage over the sizes of models. `left_out`: models of which it is not known, or lies beyond
    what was tried."""

    metric: str
    method: str
    group: str
    models: tuple[str, ...]
    sizes: tuple[float, ...]
    halves: tuple[float, ...]
    left_out: tuple[str, ...]
    law: PowerLaw


def doses(cells: Sequence[Cell], choices: Analysis) -> Iterator[Dose]:
    """A dose for each model, method and group of one metric's cells that has two levels or more."""
    undamaged = {(cell.runs, cell.model): cell for cell in cells if cell.level is None and cell.method == "none"}
    damaged = [cell for cell in cells if cell.level is not None]
    for key, of in grouped(damaged, lambda cell: (cell.runs, cell.model, cell.params, cell.method, cell.group)).items():
        if len({cell.level for cell in of}) > 1:
            start = undamaged.get((of[0].runs, of[0].model))
            yield _dose(key, of, start, choices)


def dose_laws(found: Iterable[Dose], choices: Analysis) -> Iterator[DoseLaw]:
    """How the dose of half the damage goes with size, for each method and group of several models, as far as it lies
    among the doses tried."""
    for (method, group), of in grouped(found, lambda dose: (dose.method, dose.group)).items():
        if len({dose.model for dose in of}) < max(2, len(of)):  # one model, or the same in several runs
            continue
        usable = sorted((dose for dose in of if dose.params and dose.curve.bounded), key=lambda dose: dose.params or 0)
        sizes, halves = [float(dose.params or 0) for dose in usable], [dose.curve.half for dose in usable]
        yield DoseLaw(
            of[0].metric,
            method,
            group,
            tuple(dose.model for dose in usable),
            tuple(sizes),
            tuple(halves),
            tuple(dose.model for dose in of if dose not in usable),
            power_law(sizes, halves, None, choices.confidence),
        )


_Key = tuple[tuple[str, ...], str, int | None, str, str]


def _dose(key: _Key, of: Sequence[Cell], start: Cell | None, choices: Analysis) -> Dose:
    metric, method = of[0].metric, key[3]
    found = scale(method, [cell.level for cell in of if cell.level is not None])
    if isinstance(found, str):
        return _nothing(metric, key, found, choices)
    pairs = _pairs(found, of, start, choices)
    log = is_log(metric)
    given, responses = [dose for dose, _ in pairs], [response for _, response in pairs]
    curve = dose_response(given, responses, log=log, confidence=choices.confidence)
    damaged = [(dose, _log10(value) if log else value) for dose, value in pairs if dose > 0]
    x, y = [dose for dose, _ in damaged], [value for _, value in damaged]
    straight, ranked = pearson(x, y, choices.confidence), spearman(x, y, choices.confidence)
    return Dose(metric, *key, found.meaning, tuple(given), tuple(responses), curve, straight, ranked)


def _pairs(found: Scale, of: Sequence[Cell], start: Cell | None, choices: Analysis) -> list[tuple[float, float]]:
    """(dose, response) of every trial that the filter leaves."""
    pairs = [(found.dose(cell.level or 0.0), value) for cell in of for value in cell.kept]
    if start is not None and not any(dose == 0 for dose, _ in pairs):
        pairs += [(0.0, value) for value in start.kept]
    return [(dose, abs(value) if choices.absolute else value) for dose, value in pairs]


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 else math.nan


def _nothing(metric: str, key: _Key, reason: str, choices: Analysis) -> Dose:
    nan = math.nan
    curve = DoseResponse(0, 0, False, nan, nan, nan, nan, nan, nan, reason)
    none = pearson([], [], choices.confidence)
    return Dose(metric, *key, "", (), (), curve, none, spearman([], [], choices.confidence))
