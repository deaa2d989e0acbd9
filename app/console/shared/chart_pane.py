"""A run's chart: which one a choice of view, metric, lines and part says."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import work
from textual.color import Color
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from textual_plotext import PlotextPlot

from app import own_faults
from app.charts import choosing
from app.charts.chart import Choice, Ink
from app.charts.choosing import Chosen, Drawing
from app.charts.table import Table
from app.console.shared.handing import hand_over
from app.safe import line
from engine.errors import LesionError

if TYPE_CHECKING:
    import pandas as pd
    from textual.app import ComposeResult
    from textual.worker import Worker

Step = Callable[[Table, Choice], Choice]
"""From what is asked for of a table to what is next to it."""


def nothing() -> pd.DataFrame:
    """The table of a run of which nothing is known yet."""
    from engine.analysis import frame_of

    return frame_of([])


class Plot(PlotextPlot):  # type: ignore[misc]  # its package is not followed by mypy
    """A chart in the series colours of the theme, or a sentence where there is nothing to draw."""

    def __init__(self) -> None:
        super().__init__()
        self.drawing = Drawing(reason="no trial with a result yet")

    def show(self, drawing: Drawing) -> None:
        """Draws from here on, again at every new size."""
        self.drawing = drawing
        self.refresh()

    def render(self) -> Any:
        chart, (width, height) = self.drawing.chart, self.size
        if self.drawing.reason or chart is None or width < 20 or height < 5:
            return Text.assemble((line(self.drawing.reason) or "too small for a chart", "muted"))
        try:
            return chart.picture(self.plt, width, height, self._ink())
        except Exception as error:  # a chart must not end the console; it is not drawn again either
            self.drawing = replace(self.drawing, reason=own_faults.report(error))
            return Text.assemble((line(self.drawing.reason), "error"))

    def _ink(self) -> Ink:
        variables = self.app.theme_variables
        names = (*(f"series-{i}" for i in range(1, 7)), "muted")
        *colours, muted = (Color.parse(variables[name]).rgb for name in names)
        return Ink(colours, muted)


class ChartPane(Vertical, can_focus=True):
    """One chart, its title in the border and under it what the chart cannot show."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self.choice = Choice()
        self._build: Callable[[], pd.DataFrame] = nothing
        self._table: Table | None = None  # the latest, of which a newer one may be on its way
        self._outdated = True
        self._asked: list[Step] = []  # before there was a table
        self._stale = False
        self._working: Worker[None] | None = None
        self.seconds = 0.0
        """How long the latest table took to be made and drawn."""

    def compose(self) -> ComposeResult:
        yield Plot()
        yield Static("", classes="caption", markup=False)

    def on_mount(self) -> None:
        self._title(Drawing())

    def load(self, build: Callable[[], pd.DataFrame]) -> None:
        """Takes the tidy table of a run, built in a thread; the chart follows when it is computed."""
        self._build, self._outdated = build, True
        self._compute()

    @property
    def chosen(self) -> Chosen | None:
        """What is drawn now, or will be in a moment; None before there is anything."""
        table = self._table
        return choosing.chosen(table, self.choice) if table is not None and table.metrics else None

    def next_metric(self) -> None:
        """The next metric, after the last one the first."""
        self._go(choosing.next_metric)

    def next_lines(self) -> None:
        """A line a group becomes a line a model, then an ability where labels tell them apart, then a group again."""
        self._go(choosing.next_lines)

    def next_view(self) -> None:
        """The next kind of chart that the run has."""
        self._go(choosing.next_view)

    def next_part(self, by: int) -> None:
        """Another model or group (or, in scaling, another method)."""
        self._choose(replace(self.choice, part=self.choice.part + by))

    def next_level(self, by: int) -> None:
        """In scaling: another level at which the models are compared."""
        self._choose(replace(self.choice, steps=self.choice.steps + by))

    def _go(self, step: Step) -> None:
        if self._table is None:
            self._asked.append(step)
        elif self._table.metrics:
            self._choose(step(self._table, self.choice))

    def _choose(self, choice: Choice) -> None:
        self.choice = choice
        self._compute()

    def _compute(self) -> None:
        """Starts the computation, or notes that what is under way will be out of date."""
        self._stale = self._working is not None and self._working.is_running
        if not self._stale:
            self._working = self._work(self._build, None if self._outdated else self._table, self.choice)

    @work(thread=True, exit_on_error=False, description="chart_pane work")
    def _work(self, build: Callable[[], pd.DataFrame], table: Table | None, choice: Choice) -> None:
        began, made = time.monotonic(), table is None
        try:
            table = Table.of(build()) if table is None else table
            drawing = choosing.drawing(table, choice)
        except LesionError as error:
            drawing = Drawing(reason=str(error))
        except Exception as error:
            drawing = Drawing(reason=own_faults.report(error))
        self.seconds = time.monotonic() - began if made else self.seconds
        hand_over(self, self._show, build, table, drawing)

    def _show(self, build: Callable[[], pd.DataFrame], table: Table | None, drawing: Drawing) -> None:
        if build is self._build and table is not None:
            self._table, self._outdated = table, False
        self._working = None
        steps, self._asked = self._asked, []
        for step in steps:
            self._go(step)
        if self.is_mounted:
            self.query_one(Plot).show(drawing)
            self._title(drawing)
            self.screen.refresh_bindings()
        if self._stale:
            self._compute()

    def _title(self, drawing: Drawing) -> None:
        what = drawing.chart.title if drawing.chart else ""
        self.border_title = Content(" · ".join(filter(None, (drawing.view, line(drawing.metric), line(what)))))
        place = f"{drawing.part + 1} of {drawing.parts}" if drawing.parts else ""
        self.border_subtitle = " · ".join(filter(None, (place, drawing.lines)))
        self.query_one(".caption", Static).update("\n".join(line(sentence) for sentence in drawing.caption))
