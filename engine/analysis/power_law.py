"""Scaling: how a metric of equally damaged models goes with their size, as a power law."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.analysis.curves import check_metric, mean

if TYPE_CHECKING:
    import pandas as pd

FEWEST_POINTS = 3


@dataclass(frozen=True)
class Scaling:
    """The law `value = 10^intercept · params^exponent`, fitted by least squares of log10 value on log10 parameters.

    A point is a model: `params` its total number of parameters as recorded (embeddings included); `values` the mean,
    `low` the smallest and `high` the largest over the `n` of its seeds with a finite value. `low` can be zero or less
    where the mean is above. `stderr` is the standard error of the exponent, `p` the two-sided p-value of exponent = 0.
    `dropped` counts trials outside the means and the fit: nan, inf, no result, and those of a model whose mean is not
    above zero. Without a fit `exponent`, `stderr`, `intercept`, `r2` and `p` are None and `reason` says why.
    """

    models: tuple[str, ...]
    params: tuple[int, ...]
    values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: tuple[int, ...]
    exponent: float | None
    stderr: float | None
    intercept: float | None
    r2: float | None
    p: float | None
    dropped: int
    reason: str | None

    def at(self, params: float) -> float:
        """The fitted value for a model of this many parameters; NaN without a fit."""
        if self.exponent is None or self.intercept is None:
            return math.nan
        return power_of_ten(self.intercept + self.exponent * math.log10(params))


@dataclass(frozen=True)
class _Point:
    """One model: its size, its name and what its finite seeds measured."""

    params: int
    model: str
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return mean(self.values)


def scaling(
    frame: pd.DataFrame, metric: str, method: str = "none", group: str | None = None, level: float | None = None
) -> Scaling:
    """Fit a number column of the table (a metric or its change) over the models, at one method, group and level.

    Method `none` takes the baselines. Raises LesionError where the table has no such column.
    """
    check_metric(frame, metric)
    points, dropped = [], 0
    for model, rows in _at(frame, method, group, level).groupby("model", sort=False):
        finite = tuple(float(value) for value in rows[metric] if math.isfinite(value))
        if mean(finite) > 0 and rows["params"].notna().any():
            points.append(_Point(int(rows["params"].max()), str(model), finite))
            dropped += len(rows) - len(finite)
        else:
            dropped += len(rows)
    points.sort(key=lambda point: (point.params, point.model))
    return _fit(points, dropped)


def power_of_ten(exponent: float) -> float:
    """10^exponent; inf where no float holds it."""
    try:
        return math.pow(10.0, exponent)
    except OverflowError:
        return math.inf


def fit(
    params: Sequence[int], values: Sequence[float], *, models: Sequence[str] | None = None, dropped: int = 0
) -> Scaling:
    """Least squares of log10 value on log10 parameters, one value a model; everything must be above zero."""
    names = models or [str(size) for size in params]
    return _fit([_Point(p, name, (value,)) for p, name, value in zip(params, names, values, strict=True)], dropped)


def strongest(frame: pd.DataFrame, metric: str, method: str) -> float | None:
    """The level to compare models at: of those that leave the most models and groups a value above zero, the strongest.

    Strongest is the level furthest from harmless: the largest, for a method with a descending level the smallest.
    None where the method has no trial at a level.
    """
    from engine import catalog

    check_metric(frame, metric)
    chosen = _at(frame, method)
    finite = chosen[chosen[metric].abs() < math.inf]
    usable = finite.groupby(["level", "group", "model"])[metric].mean() > 0
    counts = usable.groupby("level").sum().to_dict()
    known = catalog.methods().get(method)  # None: of a package that is not installed any more
    info = known.level if known else None
    sign = -1 if info is not None and info.descending else 1
    levels = (float(level) for level in chosen["level"].dropna().unique())
    return max(levels, key=lambda level: (counts.get(level, 0), sign * level), default=None)


def _fit(points: Sequence[_Point], dropped: int) -> Scaling:
    sizes, means = tuple(point.params for point in points), tuple(point.mean for point in points)
    slope = error = intercept = r2 = p = reason = None
    if (distinct := len(set(sizes))) < FEWEST_POINTS:
        reason = f"a fit needs {FEWEST_POINTS} models of different size with a value above zero, here are {distinct}"
    else:
        slope, error, intercept, r2, p = _least_squares(sizes, means)
    return Scaling(
        models=tuple(point.model for point in points),
        params=sizes,
        values=means,
        low=tuple(min(point.values) for point in points),
        high=tuple(max(point.values) for point in points),
        n=tuple(len(point.values) for point in points),
        exponent=slope,
        stderr=error,
        intercept=intercept,
        r2=r2,
        p=p,
        dropped=dropped,
        reason=reason,
    )


def _least_squares(sizes: Sequence[int], values: Sequence[float]) -> tuple[float, float, float, float, float]:
    """Slope, its standard error, intercept, R² and p-value on two logarithmic axes (`scipy.stats.linregress`)."""
    from scipy.stats import linregress

    line = linregress([math.log10(size) for size in sizes], [math.log10(value) for value in values])
    return float(line.slope), float(line.stderr), float(line.intercept), float(line.rvalue) ** 2, float(line.pvalue)


def _at(frame: pd.DataFrame, method: str, group: str | None = None, level: float | None = None) -> pd.DataFrame:
    chosen = frame[frame["method"] == method]
    if group is not None:
        chosen = chosen[chosen["group"] == group]
    if level is not None:
        chosen = chosen[(chosen["level"] - level).abs() <= 1e-9 * abs(level)]
    return chosen
