"""The chart of gain against head density, a point a model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from app.charts.chart import Choice, Ink, Kind, Part
from app.charts.drawing import MARKERS, Axis, Plotted
from app.charts.table import Table
from engine.analysis import CHANGE
from engine.analysis.gains import DENSE, HeadDensity, head_density
from engine.catalog.columns import metric_of


@dataclass(frozen=True)
class DensityChart(Plotted):
    """A point a model; the dotted lines part dampening from expansion, and dense heads from others."""

    metric: str
    density: HeadDensity

    @property
    def title(self) -> str:
        return "head density"

    @property
    def empty(self) -> str:
        return "" if self.density.models else f"{self.metric} · {self.title}: no finite value to draw"

    def draw(self, plt: Any, ink: Ink, lines: int) -> None:
        plt.title(f"{self.metric} · {self.title}")
        of = self.density
        if not of.models:
            return
        rho_axis, gain_axis = Axis.of(of.rho), Axis.of(of.gain)
        x = rho_axis.apply(plt, "x", "rho: heads / head size", [*of.rho, DENSE])
        y = gain_axis.apply(plt, "y", self.metric, [*of.gain, 1.0])
        plt.plot(list(x), gain_axis.places([1.0, 1.0]), marker="·")
        plt.plot(rho_axis.places([DENSE, DENSE]), list(y), marker="·")
        points = zip(of.models, rho_axis.places(of.rho), gain_axis.places(of.gain), strict=True)
        for place, (model, rho, gain) in enumerate(points):
            marker, colour = MARKERS[place % len(MARKERS)], ink.colours[place % len(ink.colours)]
            plt.scatter([rho], [gain], marker=marker, color=colour, label=model)

    def caption(self) -> list[str]:
        """Pearson's r, both rates and the survey's verdict."""
        of = self.density
        r = "too few models" if of.r is None or of.p is None else f"{of.r:.4f}, p {of.p:.2g}"
        said = [
            f"Pearson's r of rho and gain: {r}",
            f"dampening among rho >= {DENSE:g}: {_rate(of.dampening)}; "
            f"expansion among the others: {_rate(of.expansion)}",
            f'verdict of the survey on "dense heads dampen": {of.verdict}',
        ]
        return said + ([f"left out for want of a finite gain: {of.dropped}"] if of.dropped else [])


class Densities(Kind):
    """The gains that the survey sets against head density."""

    compares = True

    def parts(self, table: Table, metric: str, choice: Choice) -> list[Part]:
        return [partial(_chart, table, metric)] if _is_gain(metric) else []


def _chart(table: Table, metric: str) -> DensityChart:
    return DensityChart(metric, head_density(table.frame, metric))


def _is_gain(metric: str) -> bool:
    name = metric_of(metric).name
    return name.startswith("residual_gain") and not name.endswith(("_std", CHANGE))


def _rate(share: float | None) -> str:
    return "none there" if share is None else f"{share:.0%}"
