"""A metric over the dose: every trial, the logistic curve of each model, and its dose of half the damage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.analysis.figures.style import GREY, WIDTH, caption, clipped, decades, shades, sheet, shown, spare
from engine.analysis.figures.told import told
from engine.analysis.reports.cells import grouped, is_log
from engine.analysis.reports.doses import Dose
from engine.analysis.reports.page.words import Names
from engine.analysis.reports.report import Part, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STEPS = 160
_MOST = 12
"""Panels of one figure."""


def draw_doses(part: Part, report: Report, names: Names) -> Figure:
    """A panel a method and group, a colour a model: points are trials, the diamond is the dose of half the damage."""
    known = [dose for dose in part.doses if dose.doses]
    panels_of = list(grouped(known, lambda dose: (dose.method, dose.group, dose.runs)).items())
    shown_of = panels_of[:_MOST]
    columns = min(len(shown_of), 3 if len(shown_of) > 4 else 2)
    rows = -(-len(shown_of) // columns)
    figure, panels = sheet(rows, columns, height=1.0 + 2.5 * rows, width=WIDTH, title=f"{part.metric} over the dose")
    models = sorted({(dose.params or 0, dose.model) for dose in known})
    colours = dict(zip((model for _, model in models), shades(len(models)), strict=True))
    for panel, ((method, group, runs), doses) in zip(panels, shown_of, strict=False):
        _panel(panel, doses, colours, log=is_log(part.metric))
        title = f"{method} · " if names.several_methods or len(shown_of) == 1 else ""
        short = 40 if columns < 3 else 30
        size = 9.5 if columns < 3 else 8
        name = f"{title}{names.groups.get(group, group)} {names.run(runs)}".strip()
        panel.set_title(shown(name, short), fontsize=size)
        panel.set_ylabel(shown(part.metric, 30))
    spare(panels, len(shown_of))
    handles = [panels[0].plot([], [], color=colours[model], marker="o", ms=4)[0] for _, model in models]
    labels = [shown(names.models.get(model, model), 30) for _, model in models]
    if len(models) > 1:
        figure.legend(handles, labels, loc="outside right upper", ncols=1)
    left = len(panels_of) - len(shown_of)
    more = [f"{left} more groups are not drawn"] if left else []
    more += [f"model {labels[0]}"] if len(models) == 1 else []
    more += ["every panel has its own scale"] if len(shown_of) > 1 else []
    halves = "diamonds: dose of half the damage, where it lies among those tried"
    trials = f"n = {sum(len(dose.doses) for _, some in shown_of for dose in some)} trials"
    caption(figure, told(report, names, part, trials, halves, *more, groups=[group for (_, group, _), _ in shown_of]))
    return figure


def _panel(panel: Axes, doses: Sequence[Dose], colours: dict[str, object], *, log: bool) -> None:
    every = [response for dose in doses for response in dose.responses]
    if log and every and min(every) > 0:
        panel.set_yscale("log")
    for dose in sorted(doses, key=lambda one: one.params or 0):
        colour = colours[dose.model]
        panel.plot(dose.doses, dose.responses, ls="", marker="o", ms=3.2, color=colour, alpha=0.75, mew=0)
        if not math.isnan(dose.curve.half):
            _curve(panel, dose, colour)
    if every and panel.get_yscale() == "log":
        decades(panel, "y")
    panel.set_xlabel(f"dose: {doses[0].meaning}", color=GREY)


def _curve(panel: Axes, dose: Dose, colour: object) -> None:
    largest = max(dose.doses)
    places = [largest * step / _STEPS for step in range(_STEPS + 1)]
    values = clipped(map(dose.curve.at, places))
    panel.plot(places, values, color=colour, lw=1.2)
    if dose.curve.bounded:
        half = dose.curve.half
        panel.plot(half, dose.curve.at(half), marker="D", ms=6, mfc="white", mec=colour, mew=1.3, zorder=5)
