"""How metrics go together: over the damaged trials of one model, and gain against head density over models."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from engine.analysis.gains import HeadDensity, head_density
from engine.analysis.reports.cells import is_log
from engine.analysis.statistics.correlation import Correlation, pearson, spearman
from engine.catalog.columns import CHANGE, labelled, metric_of
from engine.profile import Analysis

if TYPE_CHECKING:
    import pandas as pd

_NOT_GAINS = ("_std", CHANGE)


@dataclass(frozen=True)
class Together:
    """Two metrics over the damaged trials of one model; of those that are read on a logarithmic axis, the logarithms.
    Trials of several levels and seeds are taken as they are, whatever they have in common."""

    model: str
    runs: tuple[str, ...]
    first: str
    second: str
    pearson: Correlation
    spearman: Correlation


@dataclass(frozen=True)
class Density:
    """A survey's question, whether models with dense heads dampen: its rates and verdict, and both correlations."""

    metric: str
    survey: HeadDensity
    pearson: Correlation
    spearman: Correlation


def together(frame: pd.DataFrame, metrics: Sequence[str], choices: Analysis) -> Iterator[Together]:
    """Every two metrics of every model whose damaged trials have three values of both."""
    damaged = frame[frame["level"].notna() & (frame["status"] == "ok")]
    keys = ["model"] if choices.pool else ["run", "model"]
    for _, rows in damaged.groupby(keys, sort=False):
        runs = tuple(dict.fromkeys(map(str, rows["run"])))
        for first, second in combinations(metrics, 2):
            x, y = _values(rows, first, choices), _values(rows, second, choices)
            straight, ranked = pearson(x, y, choices.confidence), spearman(x, y, choices.confidence)
            if straight.n >= 3:
                yield Together(str(rows["model"].iloc[0]), runs, first, second, straight, ranked)


def density(frame: pd.DataFrame, metric: str, choices: Analysis) -> Density | None:
    """The survey of a metric of residual gain; None of other metrics, and where the table has no rho beside it."""
    label, name = metric_of(metric)
    known = labelled(label, "rho") in frame.columns
    if not known or not name.startswith("residual_gain") or name.endswith(_NOT_GAINS):
        return None
    survey = head_density(frame, metric)
    both = survey.rho, survey.gain
    return Density(metric, survey, pearson(*both, choices.confidence), spearman(*both, choices.confidence))


def _values(rows: pd.DataFrame, metric: str, choices: Analysis) -> list[float]:
    values = [abs(float(value)) if choices.absolute else float(value) for value in rows[metric]]
    return [math.log10(value) if value > 0 else math.nan for value in values] if is_log(metric) else values
