"""Scaling: how a metric of equally damaged models goes with their size, as a power law."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.analysis.curves import check_metric, mean
from engine.analysis.statistics import FEWEST_SIZES

if TYPE_CHECKING:
    import pandas as pd

    from engine.analysis.statistics.laws import PowerLaw

FEWEST_POINTS = FEWEST_SIZES


@dataclass(frozen=True)
class Scaling:
    """The law `value = 10^intercept · params^exponent`, fitted by least squares of log10 value on log10 parameters.

    A point is a model: `params` its total number of parameters as recorded (embeddings included); `values` the mean,
    `low` the smallest and `high` the largest over the `n` of its seeds with a finite value. `low` can be zero or less
    where the mean is above. `law` is the fit with all that can be said of it. `dropped` counts trials outside the means
    and the fit: nan, inf, no result, and those of a model whose mean is not above zero.
    """

    models: tuple[str, ...]
    params: tuple[int, ...]
    values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: tuple[int, ...]
    law: PowerLaw
    dropped: int

    @property
    def exponent(self) -> float | None:
        """The fitted exponent; None, as `stderr`, `intercept`, `r2` and `p`, without a fit."""
        return self._known(self.law.exponent)

    @property
    def stderr(self) -> float | None:
        """The standard error of the exponent."""
        return self._known(self.law.stderr)

    @property
    def intercept(self) -> float | None:
        """log10 of the value that the law gives a model of one parameter."""
        return self._known(self.law.intercept)

    @property
    def r2(self) -> float | None:
        """R² of the fit; nan where all values are equal."""
        return self._known(self.law.r2)

    @property
    def p(self) -> float | None:
        """The two-sided p-value of exponent = 0."""
        return self._known(self.law.p)

    @property
    def reason(self) -> str | None:
        """Why there is no fit."""
        return None if self.law.fitted else self.law.note

    def at(self, params: float) -> float:
        """The fitted value for a model of this many parameters; NaN without a fit."""
        return self.law.at(params) if self.law.fitted else math.nan

    def _known(self, number: float) -> float | None:
        return number if self.law.fitted else None


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
    from engine.analysis.statistics.laws import power_law

    sizes, means = tuple(point.params for point in points), tuple(point.mean for point in points)
    return Scaling(
        models=tuple(point.model for point in points),
        params=sizes,
        values=means,
        low=tuple(min(point.values) for point in points),
        high=tuple(max(point.values) for point in points),
        n=tuple(len(point.values) for point in points),
        law=power_law(sizes, means),
        dropped=dropped,
    )


def _at(frame: pd.DataFrame, method: str, group: str | None = None, level: float | None = None) -> pd.DataFrame:
    chosen = frame[frame["method"] == method]
    if group is not None:
        chosen = chosen[chosen["group"] == group]
    if level is not None:
        chosen = chosen[(chosen["level"] - level).abs() <= 1e-9 * abs(level)]
    return chosen
