"""The chart of gains over depth, a line a model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from app import safe
from app.charts.chart import Choice, Ink, Kind, Part
from app.charts.drawing import MARKERS, Axis, Plotted
from app.charts.table import Table
from app.words import rounded
from engine.analysis.gains import PARTS, LayerGains, by_layer, layer_part
from engine.catalog.columns import metric_of


@dataclass(frozen=True)
class GainsChart(Plotted):
    """Gain over depth on a log axis, a line a model; what is not a number above zero is left out."""

    metric: str
    gains: tuple[LayerGains, ...]

    @property
    def title(self) -> str:
        return "undamaged"

    @property
    def empty(self) -> str:
        return "" if any(_points(one) for one in self.gains) else f"{self._heading}: no value above zero to draw"

    @property
    def _heading(self) -> str:
        label, name = metric_of(self.metric)
        part = PARTS[layer_part(name) or "mlp_gain"][2]
        return f"{label + ' · ' if label else ''}{part} by layer · {self.title}"

    def draw(self, plt: Any, ink: Ink, lines: int) -> None:
        plt.title(self._heading)
        shown = [value for one in self.gains for _, value in _points(one)]
        if not shown:
            return
        y = Axis(log=True)
        plt.xlabel("depth: 0 the first layer, 1 the last")
        plt.xlim(-0.3, 1.04)  # the models' names stand left of the first layer
        Axis(log=False).ticks(plt, "x", [0.0, 0.25, 0.5, 0.75, 1.0])
        y.apply(plt, "y", "gain", shown)
        for place, one in enumerate(self.gains):
            points, colour = _points(one), ink.colours[place % len(ink.colours)]
            if points:
                at, heights = [depth for depth, _ in points], y.places(value for _, value in points)
                plt.plot(at, heights, marker="braille", color=colour)
                plt.scatter(at, heights, marker=MARKERS[place % len(MARKERS)], color=colour, label=one.model)

    def caption(self) -> list[str]:
        """Of each model the last layer's gain, the largest with its layer, and how many are below 1."""
        said = []
        for one in self.gains:
            finite = [gain for gain in one.gains if not math.isnan(gain)]
            if finite:
                below = sum(gain < 1 for gain in one.gains)
                largest = max(finite)
                said.append(
                    f"{one.model}: last {rounded(one.gains[-1])}, largest {rounded(largest)} in layer "
                    f"{one.gains.index(largest)}, {below} of {len(one.gains)} layers below 1"
                )
            if left := len(one.gains) - len(_points(one)):
                said.append(f"{one.model}: {left} layers without a finite gain above zero are not drawn")
        return said


class Gains(Kind):
    """The gains of every layer behind a metric of the surveys of gains."""

    def parts(self, table: Table, metric: str, choice: Choice) -> list[Part]:
        found = by_layer(table.run, metric) if table.run is not None else []
        gains = tuple(replace(one, model=safe.line(one.model)) for one in found)
        return [partial(GainsChart, metric, gains)] if gains else []


def _points(one: LayerGains) -> list[tuple[float, float]]:
    return [(depth, gain) for depth, gain in zip(one.depth, one.gains, strict=True) if math.isfinite(gain) and gain > 0]
