"""Which chart a choice means, of all that the console can draw of a table; and the choice that is next to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from app.charts.chart import Chart, Choice, Kind
from app.charts.dose import A_GROUP, VIEW
from app.charts.drawing import told
from app.charts.kinds import KINDS
from app.charts.table import Table
from engine.analysis import headlines
from engine.catalog.columns import metric_of

_T = TypeVar("_T")


@dataclass(frozen=True)
class Chosen:
    """What a choice means for a table: a kind of chart, the metric it is to show or what labels tell apart, and what a
    line of it is. `views` and `every_line` are what else there would be."""

    kind: Kind
    metric: str
    lines: str
    views: tuple[str, ...]
    every_line: tuple[str, ...]


@dataclass(frozen=True)
class Drawing:
    """What the console shows: a chart with its place among those of its kind, or the reason why there is none."""

    view: str = VIEW
    lines: str = A_GROUP
    metric: str = ""
    chart: Chart | None = None
    part: int = 0
    parts: int = 0
    caption: tuple[str, ...] = ()
    reason: str = ""


def chosen(table: Table, choice: Choice) -> Chosen:
    """What a choice means for a table that has a metric.

    What the choice leaves open, or the table does not have, becomes what a reader wants first.
    """
    offered = [kind for kind in KINDS if kind.offered(table)]
    views = tuple(dict.fromkeys(kind.view for kind in offered))
    view = choice.view if choice.view in views else next(kind.view for kind in offered if kind.opens(table))
    of_view = [kind for kind in offered if kind.view == view]
    kind = next((kind for kind in of_view if choice.lines in kind.lines), None) or next(
        kind for kind in of_view if not (kind.several and choice.metric)
    )
    metric = choice.metric if choice.metric in table.metrics else headlines(table.metrics)[0]
    if kind.several:
        metric = metric_of(metric).name
        metric = metric if metric in table.told_apart else next(iter(table.told_apart))
    lines = choice.lines if choice.lines in kind.lines else kind.lines[0]
    return Chosen(kind, metric, lines, views, tuple(line for kind in of_view for line in kind.lines))


def drawing(table: Table, choice: Choice) -> Drawing:
    """The chart that `choice` asks for. Raises LesionError where it cannot be made."""
    if not table.metrics:
        return Drawing(reason="no trial with a result yet")
    what = chosen(table, choice)
    shown = Drawing(what.kind.view, what.lines, what.metric)
    parts = what.kind.parts(table, what.metric, replace(choice, lines=what.lines))
    if not parts:
        return replace(shown, reason=what.kind.nothing)
    part = choice.part % len(parts)
    chart = parts[part]()
    return replace(shown, chart=chart, part=part, parts=len(parts), caption=tuple(told(chart)), reason=chart.reason)


def next_view(table: Table, choice: Choice) -> Choice:
    """The next kind of chart, its first one."""
    what = chosen(table, choice)
    return replace(choice, view=_after(what.kind.view, what.views), part=0, steps=0)


def next_lines(table: Table, choice: Choice) -> Choice:
    """The next that a line can be in this view."""
    what = chosen(table, choice)
    return replace(choice, lines=_after(what.lines, what.every_line), part=0)


def next_metric(table: Table, choice: Choice) -> Choice:
    """The next metric, after the last one the first; after what labels tell apart, the first headline by itself."""
    what = chosen(table, choice)
    if what.kind.several:
        return replace(choice, metric=headlines(table.metrics)[0], lines=None, part=0)
    return replace(choice, metric=_after(what.metric, table.metrics))


def _after(one: _T, of: Sequence[_T]) -> _T:
    return of[(of.index(one) + 1) % len(of)]
