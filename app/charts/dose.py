"""Dose–response: a metric over the levels of a method, a line a group or a model."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.charts.chart import Choice, Ink, Kind, Part
from app.charts.drawing import MARKERS, NOT_FINITE, Axis, Plotted, logarithmic
from app.charts.table import Table
from app.words import rounded
from engine import catalog
from engine.analysis import Curve, dose

VIEW = "dose–response"
NO_DAMAGE = "only baselines so far: a dose needs a damaged trial"
A_GROUP, A_MODEL = "a line a group", "a line a model"

_MOST = 8  # lines of one chart that can be told apart
_SELECTED = re.compile(r"\b(top_k|bottom_k|random) (\d+)\b(?!\.)")
"""How many weights were selected, in the name of a group."""


@dataclass(frozen=True)
class Panel:
    """The curves of one chart, all of one method, and the name of each in the legend."""

    title: str
    method: str
    curves: tuple[Curve, ...]
    labels: tuple[str, ...]

    @property
    def finite(self) -> bool:
        """Whether there is anything to draw."""
        return any(n for curve in self.curves for n in curve.n)


@dataclass(frozen=True)
class DoseChart(Plotted):
    """Metric over level: the mean of each curve as a line, the range over its seeds as a bar, × where it is not
    finite."""

    metric: str
    panel: Panel

    @property
    def title(self) -> str:
        return self.panel.title

    @property
    def empty(self) -> str:
        return "" if self.panel.finite else f"{self.metric}: {self.title}: no finite value to draw"

    def draw(self, plt: Any, ink: Ink, lines: int) -> None:
        draw_dose(plt, self.panel, self.metric, ink)

    def caption(self) -> list[str]:
        """The baselines, the number of seeds, and every point that is not finite or missing."""
        named = list(zip(self.panel.labels, self.panel.curves, strict=True))
        seeds = max((total for _, curve in named for total in _totals(curve)), default=0)
        baselines = list(dict.fromkeys((curve.model, curve.baseline) for _, curve in named))
        lines = ["baseline: " + ", ".join(f"{model} {rounded(value)}" for model, value in baselines)]
        if seeds > 1:
            lines.append(f"points: mean of {seeds} seeds; bars: smallest to largest")
        for word, counts in (("not finite", "nonfinite"), ("no result", "missing")):
            points = [
                f"{label} at {rounded(level)} ({count} of {total})"
                for label, curve in named
                for level, count, total in zip(curve.level, getattr(curve, counts), _totals(curve), strict=True)
                if count
            ]
            if points:
                lines.append(f"{NOT_FINITE + ' ' if word == 'not finite' else ''}{word}: " + ", ".join(points))
        return lines


class Doses(Kind):
    """A chart a method and group with a line a model, or a method and model with a line a group."""

    view = VIEW
    lines = (A_GROUP, A_MODEL)
    nothing = NO_DAMAGE

    def opens(self, table: Table) -> bool:
        return True

    def parts(self, table: Table, metric: str, choice: Choice) -> list[Part]:
        curves = dose(table.damages, metric)
        split = panels(curves) if choice.lines is None else panels_of(curves, choice.lines)
        return [partial(DoseChart, metric, panel) for panel in split]


def panels_of(curves: Sequence[Curve], lines: str) -> list[Panel]:
    """Curves sorted into charts by what a line of them is to be."""
    charts: dict[tuple[str, str], list[Curve]] = {}
    for curve in curves:
        charts.setdefault((curve.method, curve.group if lines == A_MODEL else curve.model), []).append(curve)
    return [
        Panel(
            f"{method} · {fixed}",
            method,
            tuple(of),
            tuple(curve.model if lines == A_MODEL else curve.group for curve in of),
        )
        for (method, fixed), of in charts.items()
    ]


def panels(curves: Sequence[Curve]) -> list[Panel]:
    """Curves sorted into charts: a line a model for each method and group; with one model a line a group, or where that
    makes too many lines to tell apart, a chart for each number of weights selected."""
    one_model = len({curve.model for curve in curves}) == 1
    titles: dict[tuple[str, str], list[Curve]] = {}
    for curve in curves:
        titles.setdefault((curve.method, curve.model if one_model else curve.group), []).append(curve)
    charts = []
    for (method, fixed), of in titles.items():
        parts = _by_count(of) if one_model and len(of) > _MOST else [("", of, [curve.group for curve in of])]
        for count, some, labels in parts:
            shown = labels if one_model else [curve.model for curve in some]
            charts.append(Panel(f"{method} · {fixed}{count}", method, tuple(some), tuple(shown)))
    return charts


def _by_count(curves: Sequence[Curve]) -> list[tuple[str, list[Curve], list[str]]]:
    """Curves by the number of weights that was selected: (" · k = 100", curves, their groups without the number)."""
    parts: dict[str, tuple[list[Curve], list[str]]] = {}
    for curve in curves:
        chosen = _SELECTED.search(curve.group)
        of, labels = parts.setdefault(f" · k = {chosen[2]}" if chosen else "", ([], []))
        of.append(curve)
        labels.append(_SELECTED.sub(r"\1", curve.group))
    return [(count, of, labels) for count, (of, labels) in parts.items()]


def draw_dose(plt: Any, panel: Panel, metric: str, ink: Ink) -> None:
    """Metric over level: the mean of each curve as a line, the range over its seeds as a bar, × where it is not finite.

    Draws nothing but the title where no value is finite.
    """
    shown = [value for curve in panel.curves for value in (*curve.low, *curve.high) if math.isfinite(value)]
    plt.title(f"{metric} · {panel.title}")
    if not shown:
        return
    x = _level_axis(plt, panel)
    y = Axis.of(shown, log=logarithmic(metric) and min(shown) > 0)
    _, top = y.apply(plt, "y", metric, shown)
    used = [ink.colours[index % len(ink.colours)] for index in range(len(panel.curves))]
    for curve, colour in zip(panel.curves, used, strict=True):
        _draw_lines(plt, curve, x, y, colour)
    for index, curve in enumerate(panel.curves):
        _draw_points(plt, curve, x, y, _told_apart(panel, index), used[index], MARKERS[index % len(MARKERS)])
        _draw_not_finite(plt, curve, x, top, used[index])


def _told_apart(panel: Panel, index: int) -> str:
    """A curve's label, which says so where the curve lies on an earlier one and hides it."""
    points = _finite_points(panel.curves[index])
    for earlier, curve in enumerate(panel.curves[:index]):
        if _finite_points(curve) == points:
            return f"{panel.labels[index]} (same as {panel.labels[earlier]})"
    return panel.labels[index]


def _totals(curve: Curve) -> list[int]:
    return [sum(counts) for counts in zip(curve.n, curve.nonfinite, curve.missing, strict=True)]


def _draw_lines(plt: Any, curve: Curve, x: Axis, y: Axis, colour: Any) -> None:
    for level, low, high in zip(curve.level, curve.low, curve.high, strict=True):
        if low < high:
            plt.plot(x.places([level, level]), y.places([low, high]), marker="│", color=colour)
    levels, means = _finite_points(curve)
    if levels:
        plt.plot(x.places(levels), y.places(means), marker="braille", color=colour)


def _draw_points(plt: Any, curve: Curve, x: Axis, y: Axis, label: str, colour: Any, marker: str) -> None:
    levels, means = _finite_points(curve)
    if levels:
        plt.scatter(x.places(levels), y.places(means), marker=marker, color=colour, label=label)


def _draw_not_finite(plt: Any, curve: Curve, x: Axis, top: float, colour: Any) -> None:
    broken = [level for level, count in zip(curve.level, curve.nonfinite, strict=True) if count]
    if broken:
        plt.scatter(x.places(broken), [top] * len(broken), marker=NOT_FINITE, color=colour)


def _finite_points(curve: Curve) -> tuple[list[float], list[float]]:
    points = [(level, mean) for level, mean in zip(curve.level, curve.mean, strict=True) if math.isfinite(mean)]
    return [level for level, _ in points], [mean for _, mean in points]


def _level_axis(plt: Any, panel: Panel) -> Axis:
    known = catalog.methods().get(panel.method)  # None: of a package that is not installed any more
    info = known.level if known else None
    levels = sorted({level for curve in panel.curves for level in curve.level})
    axis = Axis.of(levels, log=info is not None and info.spacing == "geometric" and levels[0] > 0)
    axis.apply(plt, "x", panel.method if info is None else f"{info.symbol}: {info.meaning}", levels)
    axis.ticks(plt, "x", levels[:: math.ceil(len(levels) / 10)])
    if info is not None and info.descending:
        plt.xreverse(True)
    return axis
