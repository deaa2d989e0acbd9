"""Damages of one level side by side: every trial, and the mean with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.analysis.figures.style import COLOURS, INK, WIDTH, caption, decades, sheet, shown, spare
from engine.analysis.figures.told import told
from engine.analysis.reports.cells import Cell, grouped, is_log
from engine.analysis.reports.levels import level_info
from engine.analysis.reports.page.words import Names, level_words, told_apart
from engine.analysis.reports.report import Part, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST = 9
_ROOM = 30
"""Letters of the names of all columns that still stand level."""


def draw_groups(part: Part, report: Report, names: Names) -> Figure:
    """A panel a model, at its strongest level with several damages: a column a damage."""
    found = _strongest(part)[:_MOST]
    columns = min(len(found), 3)
    rows = -(-len(found) // columns)
    figure, panels = sheet(rows, columns, height=1.0 + 2.6 * rows, width=WIDTH, title=f"{part.metric} by damage")
    for panel, cells in zip(panels, found, strict=False):
        _panel(panel, cells, names, log=is_log(part.metric))
        model = names.models.get(cells[0].model, cells[0].model)
        panel.set_title(shown(f"{model} · {level_words(cells[0].method, cells[0].level)}", 36))
        panel.set_ylabel(shown(part.metric, 30))
    spare(panels, len(found))
    drawn = sorted({len(cell.kept) for cells in found for cell in cells})
    count = f"n = {drawn[0]} each" if len(drawn) == 1 else f"n = {drawn[0]} to {drawn[-1]}"
    bars = f"bars: mean and {report.choices.confidence:.0%} bootstrap interval; points: trials, with their sign"
    labels = " ".join(label for cells in found for label in _labels(cells, names))
    every = [cell.group for cells in found for cell in cells]
    groups = [group for group in every if names.groups.get(group, group) in labels]
    caption(figure, told(report, names, part, count, bars, groups=groups))
    return figure


def _strongest(part: Part) -> list[list[Cell]]:
    """For each model the cells that its strongest comparison is of."""
    compared = {(of.model, of.level) for of in part.comparisons.made}
    cells = [cell for cell in part.cells if cell.level is not None and (cell.model, cell.level) in compared]
    best: dict[str, list[Cell]] = {}
    for (model, _), of in grouped(cells, lambda cell: (cell.model, cell.level)).items():
        usable = [cell for cell in of if len(cell.kept) > 1]
        if model not in best or _strength(usable[0]) > _strength(best[model][0]):
            best[model] = usable
    return list(best.values())


def _strength(cell: Cell) -> float:
    known = level_info(cell.method)
    return (-1 if known is not None and known.descending else 1) * (cell.level or 0.0)


def _panel(panel: Axes, cells: list[Cell], names: Names, *, log: bool) -> None:
    absolute = any(cell.after.flipped for cell in cells)
    if log and all(value > 0 for cell in cells for value in cell.kept):
        panel.set_yscale("log")
    for place, cell in enumerate(cells):
        colour = COLOURS[place % len(COLOURS)]
        values = [abs(value) for value in cell.kept] if absolute else cell.kept
        spread = [place + 0.12 * (2 * (at + 0.5) / len(values) - 1) for at in range(len(values))]
        panel.plot(spread, values, ls="", marker="o", ms=4.5, color=colour, alpha=0.6, mew=0)
        of = cell.after
        panel.plot([place - 0.26, place + 0.26], [of.mean] * 2, color=colour, lw=2)
        if of.low == of.low:
            panel.plot([place] * 2, [of.low, of.high], color=colour, lw=1.2)
    labels = _labels(cells, names)
    turned: dict[str, Any] = {} if sum(map(len, labels)) < _ROOM else {"rotation": 30, "ha": "right"}
    panel.set_xticks(range(len(cells)), labels, color=INK, **turned)
    panel.grid(visible=False, axis="x")
    panel.set_xlim(-0.6, len(cells) - 0.4)
    if panel.get_yscale() == "log":
        decades(panel, "y")
    elif any(value < 0 for cell in cells for value in cell.kept) and not absolute:
        panel.axhline(0, color="#999999", lw=0.7)


def _labels(cells: list[Cell], names: Names) -> list[str]:
    parts = [(cell.method, names.groups.get(cell.group, cell.group), names.run(cell.runs)) for cell in cells]
    return [shown(label, 22) for label in told_apart(parts)]
