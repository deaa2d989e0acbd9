"""The report of one run or of several: everything that the table says under the choices of a reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.analysis.curves import check_metric
from engine.analysis.reports.cells import Cell, cells
from engine.analysis.reports.choices import Choices
from engine.analysis.reports.comparisons import Comparison, comparisons
from engine.analysis.reports.laws import Dose, DoseLaw, Law, dose_laws, doses, laws
from engine.analysis.tables import headlines, metric_names, table
from engine.errors import LesionError, suggestion

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Part:
    """All of one metric."""

    metric: str
    cells: list[Cell]
    laws: list[Law]
    doses: list[Dose]
    dose_laws: list[DoseLaw]
    comparisons: list[Comparison]

    @property
    def flipped(self) -> int:
        """Values that changed sign because absolute ones were asked for."""
        return sum(cell.before.flipped for cell in self.cells)

    @property
    def removed(self) -> int:
        """Trials that the filter left out."""
        return sum(len(cell.filtering.removed) for cell in self.cells)


@dataclass(frozen=True)
class Report:
    """`trials` are all that ended, `ok` of them well."""

    runs: list[str]
    choices: Choices
    trials: int
    ok: int
    parts: list[Part]


def report(runs: Sequence[Path], choices: Choices | None = None) -> Report:
    """The report of these runs.

    Raises LesionError where a run cannot be read or is named twice, no trial ended, or a metric or model is asked for
    that they do not have.
    """
    places = [run.resolve() for run in runs]
    if twice := [place.name for place in places if places.count(place) > 1]:
        raise LesionError(f"{twice[0]} is named twice: its trials would count twice")
    return analysed([place.name for place in places], table(list(runs)), choices or Choices())


def analysed(runs: list[str], frame: pd.DataFrame, choices: Choices) -> Report:
    """The report of a table of trials; as `report`."""
    choices.check()
    frame = _chosen(frame, choices)
    metrics = list(dict.fromkeys(choices.metrics or headlines(metric_names([dict.fromkeys(frame.columns)]))))
    for metric in (*metrics, *filter(None, [choices.filter_metric])):
        check_metric(frame, metric)
    parts = [_part(frame, metric, choices) for metric in metrics]
    return Report(runs, choices, len(frame), int((frame["status"] == "ok").sum()), parts)


def _chosen(frame: pd.DataFrame, choices: Choices) -> pd.DataFrame:
    if frame.empty:
        raise LesionError("there is no finished trial to analyse")
    known = list(dict.fromkeys(map(str, frame["model"])))
    for model in choices.models:
        if model not in known:
            listed = ", ".join(known[:20])
            raise LesionError(f"no trial is of the model '{model}'{suggestion(model, known)}; there are {listed}")
    return frame[frame["model"].isin(choices.models)] if choices.models else frame


def _part(frame: pd.DataFrame, metric: str, choices: Choices) -> Part:
    of = list(cells(frame, metric, choices))
    curves = list(doses(of))
    return Part(metric, of, list(laws(of, choices)), curves, list(dose_laws(curves)), list(comparisons(of)))
