"""The report of one run or of several: everything that the table says under the choices of a reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.analysis.curves import check_metric
from engine.analysis.gains import LayerGains, by_layer
from engine.analysis.reports.cells import Cell, cells
from engine.analysis.reports.comparisons import Comparisons, comparisons
from engine.analysis.reports.correlations import Density, Together, density, together
from engine.analysis.reports.doses import Dose, DoseLaw, dose_laws, doses
from engine.analysis.reports.laws import Law, laws
from engine.analysis.reports.rankings import Critical, critical
from engine.analysis.tables import headlines, metric_names, table
from engine.catalog.columns import CHANGE
from engine.errors import LesionError, suggestion
from engine.profile import Analysis
from engine.record.directory import read_profile

if TYPE_CHECKING:
    import pandas as pd

ALIASES = {
    "rank_reduction": ("rank_reduction", "rank_reduction_pct"),
    "perplexity_increase": ("perplexity_increase", "perplexity" + CHANGE, "published_perplexity" + CHANGE),
    "perplexity_post": ("perplexity", "published_perplexity"),
}
"""By what the attack study called them, the columns that are meant, the first that a table has."""


@dataclass(frozen=True)
class Part:
    """All of one metric. `gains`: what is known of it layer by layer, undamaged, by model."""

    metric: str
    cells: list[Cell]
    laws: list[Law]
    doses: list[Dose]
    dose_laws: list[DoseLaw]
    comparisons: Comparisons
    density: Density | None
    gains: list[LayerGains]

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
    """`trials` are all that ended, `ok` of them well; `repeats` more are the same trials in another run, and were left
    out where runs are pooled."""

    runs: list[str]
    choices: Analysis
    trials: int
    ok: int
    repeats: int
    parts: list[Part]
    together: list[Together]
    critical: Critical | None


def chosen(runs: Sequence[Path]) -> Analysis:
    """The choices of the runs' profiles, where they agree; else, and where a profile cannot be read, the defaults."""
    tables = []
    for run in runs:
        try:
            tables.append(read_profile(run).analysis)
        except LesionError:
            return Analysis()
    return tables[0] if tables and all(one == tables[0] for one in tables) else Analysis()


def report(runs: Sequence[Path], choices: Analysis | None = None) -> Report:
    """The report of these runs; `choices`: by default those of their profiles.

    Raises LesionError where a run cannot be read or is named twice, no trial ended, or a metric or model is asked for
    that they do not have.
    """
    places = [run.resolve() for run in runs]
    if twice := [place.name for place in places if places.count(place) > 1]:
        raise LesionError(f"{twice[0]} is named twice: its trials would count twice")
    made = analysed([place.name for place in places], table(list(runs)), chosen(runs) if choices is None else choices)
    models = {cell.model for part in made.parts for cell in part.cells}
    metrics = [part.metric for part in made.parts]
    return replace(
        made,
        parts=[replace(part, gains=_gains(runs, part.metric, models)) for part in made.parts],
        critical=critical(runs, metrics, made.choices.confidence),
    )


def analysed(runs: list[str], frame: pd.DataFrame, choices: Analysis) -> Report:
    """The report of a table of trials; as `report`, without what lies beside the table in the runs' directories."""
    if frame.empty:
        raise LesionError("there is no finished trial to analyse")
    frame = frame.reset_index(drop=True)
    frame, repeats = _once(frame) if choices.pool else (frame, 0)
    choices = _resolved(frame, choices)
    frame = _of_models(frame, choices)
    return Report(
        runs,
        choices,
        len(frame),
        int((frame["status"] == "ok").sum()),
        repeats,
        [_part(frame, metric, choices) for metric in choices.metrics],
        list(together(frame, choices.metrics, choices)),
        None,
    )


def _once(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The table with every trial once, one that ended well before others, and how many were left out: a trial's key
    tells all that determines its result, so that the same in two runs is no second measurement."""
    order = (frame["status"] != "ok").sort_values(kind="stable").index
    again = frame.loc[order].duplicated(["trial", "model"]).reindex(frame.index)
    return frame[~again], int(again.sum())


def _resolved(frame: pd.DataFrame, choices: Analysis) -> Analysis:
    """The choices with every metric as the table's column is called."""
    asked = choices.metrics or tuple(headlines(metric_names([dict.fromkeys(frame.columns)])))
    metrics = tuple(dict.fromkeys(_column(frame, metric, choices.relative) for metric in asked))
    by = None if choices.filter_metric is None else _column(frame, choices.filter_metric, relative=False)
    for metric in (*metrics, *filter(None, [by])):
        check_metric(frame, metric)
    if not metrics:
        raise LesionError("these trials have no metric: there is nothing to analyse")
    return choices.model_copy(update={"metrics": metrics, "filter_metric": by})


def _column(frame: pd.DataFrame, metric: str, relative: bool) -> str:
    known = next((name for name in ALIASES.get(metric, ()) if name in frame.columns), metric)
    return known + CHANGE if relative and known + CHANGE in frame.columns else known


def _of_models(frame: pd.DataFrame, choices: Analysis) -> pd.DataFrame:
    known = list(dict.fromkeys(map(str, frame["model"])))
    for model in choices.models:
        if model not in known:
            raise LesionError(f"no trial is of the model '{model}'{suggestion(model, known)}")
    return frame[frame["model"].isin(choices.models)] if choices.models else frame


def _part(frame: pd.DataFrame, metric: str, choices: Analysis) -> Part:
    of = list(cells(frame, metric, choices))
    curves = list(doses(of, choices))
    return Part(
        metric,
        of,
        list(laws(of, choices)),
        curves,
        list(dose_laws(curves, choices)),
        comparisons(of, choices),
        density(frame, metric, choices),
        [],
    )


def _gains(runs: Sequence[Path], metric: str, models: set[str]) -> list[LayerGains]:
    return [gains for run in runs for gains in by_layer(run, metric) if gains.model in models]
