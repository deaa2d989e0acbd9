"""Gains by layer with the law of the last one, and gain against head density."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.analysis.figures.laws import draw_law, strongest_laws
from engine.analysis.figures.style import COLOURS, INK, WIDTH, caption, decades, plain_ticks, shades, sheet, shown
from engine.analysis.figures.told import told
from engine.analysis.gains import DENSE
from engine.analysis.reports.laws import Law
from engine.analysis.reports.page.words import Names, number
from engine.analysis.reports.report import Part, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_gains(part: Part, report: Report, names: Names) -> Figure:
    """Four panels: the metric over size on logarithmic and on linear axes, the gain of every layer over its depth, and
    the share of layers that contract."""
    laws = [law for law in strongest_laws(part) if law.level is None]
    figure, panels = sheet(2, 2, height=6.2, width=WIDTH, title=f"{part.metric}: gains by layer")
    size = {cell.model: cell.params or 0 for cell in part.cells}
    models = sorted(part.gains, key=lambda one: size.get(one.model, 0))
    colours = dict(zip((one.model for one in models), shades(len(models)), strict=True))
    if laws:
        label = f"N^({number(laws[0].law.exponent)} ± {number(laws[0].law.stderr, 2)})"
        draw_law(panels[0], laws[0], COLOURS[0], "o", label)
        decades(panels[0], "x")
        decades(panels[0], "y")
        panels[0].legend(loc="best")
    _linear(panels[1], part, laws)
    for panel, title in zip(panels, ("log–log, with the law", "linear", "by depth", "contracting layers"), strict=True):
        panel.set_title(title)
    panels[0].set_ylabel(shown(part.metric, 30))
    panels[0].set_xlabel("parameters", color=INK)
    for gains in models:
        finite = [gain if math.isfinite(gain) else math.nan for gain in gains.gains]
        name = shown(names.models.get(gains.model, gains.model), 24)
        panels[2].plot(gains.depth, finite, color=colours[gains.model], marker="o", ms=3, lw=1.2, label=name)
    panels[2].axhline(1, color="#999999", lw=0.8, ls=(0, (4, 3)))
    panels[2].set_xlabel("depth: 0 first layer, 1 last", color=INK)
    panels[2].set_ylabel("gain")
    if all(gain > 0 for one in models for gain in one.gains):
        panels[2].set_yscale("log")
        decades(panels[2], "y")
    panels[2].legend(loc="best", ncols=2 if len(models) > 4 else 1, fontsize=7)
    shares = [sum(gain < 1 for gain in one.gains) / max(len(one.gains), 1) for one in models]
    labels = [shown(names.models.get(one.model, one.model), 18) for one in models]
    bars = panels[3].bar(range(len(models)), shares, color=[colours[one.model] for one in models], width=0.6)
    panels[3].bar_label(bars, [f"{share:.0%}" for share in shares], fontsize=8, color=INK, padding=2)
    panels[3].set_xticks(range(len(models)), labels, rotation=30, ha="right", color=INK)
    panels[3].set_ylim(0, 1.08)
    panels[3].set_ylabel("share of layers with a gain < 1")
    panels[3].grid(visible=False, axis="x")
    caption(figure, told(report, names, part, "", f"{len(models)} models"))
    return figure


def _linear(panel: Axes, part: Part, laws: list[Law]) -> None:
    undamaged = [cell for cell in part.cells if cell.level is None and cell.params and cell.after.n]
    sizes, means = [float(cell.params or 0) for cell in undamaged], [cell.after.mean for cell in undamaged]
    panel.plot(sizes, means, "o", color=COLOURS[0], ms=5)
    for law in laws:
        places = [law.largest * (step + 1) / 100 for step in range(100)]
        panel.plot(places, [law.law.at(place) for place in places], color=COLOURS[0], lw=1.2)
    panel.set_xlabel("parameters", color=INK)
    panel.set_ylabel(shown(part.metric, 30))
    plain_ticks(panel)


def draw_density(part: Part, report: Report, names: Names) -> Figure:
    """A point a model: gain over rho, with the two borders of the survey."""
    assert part.density is not None
    of = part.density.survey
    figure, panels = sheet(1, 1, height=4.2, width=WIDTH, title=f"{part.metric} against head density")
    panel = panels[0]
    colours = shades(len(of.models))
    panel.axhline(1, color="#999999", lw=0.8, ls=(0, (4, 3)))
    panel.axvline(DENSE, color="#999999", lw=0.8, ls=(0, (4, 3)))
    for model, rho, gain, colour in zip(of.models, of.rho, of.gain, colours, strict=True):
        panel.plot(rho, gain, "o", ms=7, color=colour)
        name = shown(names.models.get(model, model), 24)
        panel.annotate(name, (rho, gain), xytext=(6, 4), textcoords="offset points", fontsize=8, color=INK)
    panel.set_xlabel("rho: heads / head size", color=INK)
    panel.set_ylabel(shown(part.metric, 40))
    panel.margins(x=0.15, y=0.15)
    r = part.density.pearson
    shown_r = "" if math.isnan(r.r) else f"Pearson's r {number(r.r, 2)}, p {number(r.p, 2)}"
    more = (shown_r, f"survey's verdict: {of.verdict}")
    caption(figure, told(report, names, part, f"n = {len(of.models)} models", *more))
    return figure
