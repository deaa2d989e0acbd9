"""Dose–response: a metric over the levels of a method, with its spread over the seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.catalog.columns import IDENTITY
from engine.errors import LesionError, suggestion

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Curve:
    """One model, method and group. The tuples run along `level`, ascending.

    A point's `mean`, `low` (smallest) and `high` (largest) are over the `n` seeds with a finite value, NaN where `n` is
    0; `nonfinite` seeds measured nan or inf, `missing` seeds measured nothing (status failed or oom).
    `baseline` is the mean over the model's finite baselines, NaN where there is none.
    """

    model: str
    method: str
    group: str
    level: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: tuple[int, ...]
    nonfinite: tuple[int, ...]
    missing: tuple[int, ...]
    baseline: float


def dose(frame: pd.DataFrame, metric: str) -> list[Curve]:
    """A curve for each model, method and group of the table that has levels, in its order; `metric` is any of its
    number columns.

    Raises LesionError where the table has no such column.
    """
    check_metric(frame, metric)
    damaged = frame[frame["level"].notna()]
    return [
        _curve(frame, rows, metric, str(model), str(method), str(group))
        for (model, method, group), rows in damaged.groupby(["model", "method", "group"], sort=False)
    ]


def check_metric(frame: pd.DataFrame, metric: str) -> None:
    """Raise LesionError naming the table's metrics unless `metric` is one of them."""
    known = [name for name in frame.columns if name not in IDENTITY]
    if metric not in known:
        raise LesionError(f"no metric '{metric}' in these trials{suggestion(metric, known)}")


def _curve(frame: pd.DataFrame, rows: pd.DataFrame, metric: str, model: str, method: str, group: str) -> Curve:
    levels = sorted({float(level) for level in rows["level"]})
    points = [_point(level, rows[rows["level"] == level], metric) for level in levels]
    level, means, low, high, n, nonfinite, missing = zip(*points, strict=True)
    undamaged = frame[(frame["model"] == model) & (frame["method"] == "none")][metric]
    return Curve(model, method, group, level, means, low, high, n, nonfinite, missing, mean(_finite(undamaged)))


def _point(level: float, rows: pd.DataFrame, metric: str) -> tuple[float, float, float, float, int, int, int]:
    measured = rows[rows["status"] == "ok"]
    finite = _finite(measured[metric])
    low, high = (min(finite), max(finite)) if finite else (math.nan, math.nan)
    nonfinite = len(measured) - len(finite)
    return level, mean(finite), low, high, len(finite), nonfinite, len(rows) - len(measured)


def _finite(values: pd.Series[float]) -> list[float]:
    return [float(value) for value in values if math.isfinite(value)]


def mean(values: Sequence[float]) -> float:
    """The mean of finite values, also of those whose sum no float holds; NaN where there is none."""
    if not values:
        return math.nan
    try:
        return math.fsum(values) / len(values)
    except OverflowError:
        return math.fsum(value / len(values) for value in values)
