"""A metric over model size: points, laws and the bands in which they lie."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from engine.analysis.figures.style import (
    COLOURS,
    GREY,
    INK,
    MARKERS,
    WIDTH,
    caption,
    clipped,
    decades,
    drawable,
    sheet,
    shown,
)
from engine.analysis.figures.told import told
from engine.analysis.reports.laws import Law
from engine.analysis.reports.page.laws import strongest
from engine.analysis.reports.page.words import Names, number
from engine.analysis.reports.report import Part, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STEPS = 120
_MOST_LEVEL, _MOST_NAMED = 5, 14
"""Models whose names are written level, and at all."""
_MARGIN = 0.1
"""Of the range of sizes in log10: how far a law is drawn beyond its points."""
_ROOM = 0.45
"""Of the height of the points in log10: how far a band may widen the axis."""


def strongest_laws(part: Part) -> list[Law]:
    """The laws that are drawn: of the undamaged models, and of each method and group at its strongest level."""
    return strongest(part.laws)


def draw_laws(part: Part, report: Report, names: Names) -> Figure:
    """One panel: a point a model with its seeds, a line and a band a law, hollow points for models from elsewhere."""
    figure, [panel] = sheet(1, 1, height=4.6, width=WIDTH, title=f"{part.metric} over model size")
    laws = strongest_laws(part)
    for place, law in enumerate(laws):
        colour = GREY if law.level is None else COLOURS[place % len(COLOURS)]
        draw_law(panel, law, colour, MARKERS[place % len(MARKERS)], _label(law, names))
    _frame(panel, laws, part)
    _name_models(panel, laws, names)
    panel.legend(loc="best")
    band = f"shaded: where the law lies with {report.choices.confidence:.0%}"
    elsewhere = any(point.reference for law in laws for point in law.points)
    more = [band, *(["hollow: measured elsewhere, added by hand"] if elsewhere else [])]
    models = {len(law.points) for law in laws}
    counted = f"{min(models)} models" if len(models) == 1 else f"{min(models)} to {max(models)} models"
    caption(figure, told(report, names, part, "", counted, *more, groups=[law.group for law in laws]))
    return figure


def draw_law(panel: Axes, law: Law, colour: str, marker: str, label: str) -> None:
    """The points, the seeds behind them, the line and its band, on two logarithmic axes."""
    panel.set_xscale("log")
    panel.set_yscale("log")
    sizes = _sizes(law)
    bands = [law.law.band(size, law.confidence, of_mean=True) for size in sizes]
    low, high = clipped(low for low, _ in bands), clipped(high for _, high in bands)
    panel.fill_between(sizes, low, high, color=colour, alpha=0.14, lw=0)
    panel.plot(sizes, clipped(map(law.law.at, sizes)), color=colour, lw=1.5)
    for point in law.points:
        seeds = [value for value in point.values if value > 0]
        if len(seeds) > 1:
            panel.plot([point.params] * len(seeds), seeds, ls="", marker="_", ms=7, color=colour, alpha=0.55)
        face = "white" if point.reference else colour
        panel.plot(point.params, point.mean, ls="", marker=marker, ms=6, mfc=face, mec=colour, mew=1.2)
    panel.plot([], [], color=colour, marker=marker, ms=6, label=shown(label))


def _name_models(panel: Axes, laws: list[Law], names: Names) -> None:
    """The models above their points, while they are few."""
    sizes = {point.model: point.params for law in laws for point in law.points}
    turned: dict[str, Any] = {"rotation": 30, "ha": "left"} if len(sizes) > _MOST_LEVEL else {"ha": "center"}
    for model, size in sizes.items() if len(sizes) <= _MOST_NAMED else ():
        name = shown(names.models.get(model, model), 24)
        place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "xytext": (0, 3), "textcoords": "offset points"}
        panel.annotate(name, (size, 1.0), **place, **turned, va="bottom", fontsize=7, color=GREY)


def _frame(panel: Axes, laws: list[Law], part: Part) -> None:
    values = [value for law in laws for point in law.points for value in (point.mean, *point.values) if value > 0]
    low, high = math.log10(min(values)), math.log10(max(values))
    room = max((high - low) * _ROOM, 0.05)
    edges = [
        edge
        for law in laws
        for size in _sizes(law)
        for edge in law.law.band(size, law.confidence, of_mean=True)
        if edge > 0 and drawable(edge)
    ]
    logs = [math.log10(edge) for edge in edges]
    bottom, top = min([low, *logs]), max([high, *logs])
    margin = 0.04 * (high - low) + 0.02
    panel.set_ylim(10 ** (max(bottom, low - room) - margin), 10 ** (min(top, high + room) + margin))
    decades(panel, "x")
    decades(panel, "y")
    panel.set_xlabel("parameters", color=INK)
    panel.set_ylabel(shown(part.metric))


def _sizes(law: Law) -> list[float]:
    low, high = (math.log10(pick(point.params for point in law.points)) for pick in (min, max))
    low, high = low - _MARGIN * (high - low), high + _MARGIN * (high - low)
    return [10 ** (low + (high - low) * step / _STEPS) for step in range(_STEPS + 1)]


def _label(law: Law, names: Names) -> str:
    name = names.damage(law.method, law.group, law.runs if len(law.runs) < len(names.runs) else (), law.level)
    exponent = f"{number(law.law.exponent)} ± {number(law.law.stderr, 2)}"
    return f"{name.replace(chr(92), '')}: N^({exponent}), R² {number(law.law.r2, 2)}"
