"""Abilities: a metric that several labels tell apart, each label something that a model can do, and the dose at which
each of them has half failed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.analysis.curves import Curve, dose, mean
from engine.catalog.columns import metric_of

if TYPE_CHECKING:
    import pandas as pd

LEAST_LOSS = 0.1
"""Of a share: an ability that never loses more than this has no half-damage dose."""


@dataclass(frozen=True)
class Ability:
    """What one label says of one model, method and group.

    `half` are half-damage doses, a seed each, in the order of the seeds: the level at which the seed's metric first
    lies halfway between its baseline and the lowest mean of the curve. Between two levels values are taken to lie on a
    straight line. NaN where a seed never gets there; empty where the curve loses less than `LEAST_LOSS`.
    """

    label: str
    curve: Curve
    half: tuple[float, ...]

    @property
    def mean_half(self) -> float:
        """The mean over the seeds that have one; NaN where none has."""
        known = [value for value in self.half if not math.isnan(value)]
        return mean(known)


def told_apart(metrics: Iterable[str]) -> dict[str, list[str]]:
    """The kinds of metric that two labels or more tell apart ("facts.accuracy", "sums.accuracy"), with its metrics.

    Only headlines of their measurements, and of those shares of which more is better.
    """
    kinds: dict[str, list[str]] = {}
    for metric in metrics:
        label, kind = metric_of(metric)
        if label and kind in _headline_shares():
            kinds.setdefault(kind, []).append(metric)
    return {kind: labelled for kind, labelled in kinds.items() if len(labelled) > 1}


def abilities(frame: pd.DataFrame, metrics: Sequence[str]) -> list[tuple[Ability, ...]]:
    """For each model, method and group of the table that has levels: an ability a metric, in the order of `metrics`.

    The largest model comes first. Raises LesionError where the table lacks one of them.
    """
    sizes = frame.groupby("model")["params"].max().fillna(0).to_dict()
    by_metric = [sorted(dose(frame, metric), key=lambda curve: -sizes[curve.model]) for metric in metrics]
    return [
        tuple(_ability(frame, metric, curve) for metric, curve in zip(metrics, same, strict=True))
        for same in zip(*by_metric, strict=True)
    ]


def half_dose(levels: Sequence[float], values: Sequence[float], start: float, floor: float) -> float:
    """Where `values` first reach the middle of `start` and `floor`, on straight lines from (levels[0], start).

    `levels` go from harmless to strong. NaN where they never do.
    """
    middle = (start + floor) / 2
    before, above = levels[0], start
    for level, value in zip(levels, values, strict=True):
        if value <= middle:
            return before + (level - before) * (above - middle) / (above - value)
        before, above = level, value
    return math.nan


def _headline_shares() -> set[str]:
    from engine import catalog

    infos = [
        info
        for kind in catalog.measurements().values()
        for info in kind.metrics
        if info.name in (kind.headlines or (kind.metrics[0].name,))
    ]
    return {info.name for info in infos if info.unit == "share" and info.better == "higher"}


def _ability(frame: pd.DataFrame, metric: str, curve: Curve) -> Ability:
    label = metric_of(metric).label
    floor = min((mean for mean in curve.mean if math.isfinite(mean)), default=math.nan)
    if not curve.baseline - floor >= LEAST_LOSS:
        return Ability(label, curve, ())
    of = (frame["model"] == curve.model) & (frame["method"] == curve.method) & (frame["group"] == curve.group)
    doses = []
    for _, rows in frame[of & frame["level"].notna()].groupby("seed"):
        finite = rows[rows[metric].abs() < math.inf].sort_values("level", ascending=not _descending(curve.method))
        levels, values = [float(one) for one in finite["level"]], [float(one) for one in finite[metric]]
        doses.append(half_dose(levels, values, curve.baseline, floor) if levels else math.nan)
    return Ability(label, curve, tuple(doses))


def _descending(method: str) -> bool:
    from engine import catalog

    known = catalog.methods().get(method)  # None: of a package that is not installed any more
    return known is not None and known.level is not None and known.level.descending
