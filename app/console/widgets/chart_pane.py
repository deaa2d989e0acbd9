"""A run's charts: dose–response, scaling, and the map of layers; a choice of metric, lines and part says which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from rich.text import Text
from textual import work
from textual.color import Color
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from textual_plotext import PlotextPlot

from app import own_faults
from app.safe import line
from engine.errors import LesionError

if TYPE_CHECKING:
    import pandas as pd
    from textual.app import ComposeResult
    from textual.worker import Worker

    from app.charts import Panel
    from app.scaling_chart import ScalingPanel
    from engine.analysis import Ability, LayerMap, Row

ROOMY = 10  # lines from which on a plot has room for the names of its axes

Lines = Literal["group", "model", "ability"]
View = Literal["dose", "scaling", "layers"]

_UNDAMAGED = "only baselines so far: a dose needs a damaged trial"
KINDS: dict[View, str] = {"dose": "dose–response", "scaling": "scaling", "layers": "layer by layer"}


@dataclass(frozen=True)
class Choice:
    """What the pane was asked to show. `metric` None takes a headline; `part` and `level` count round the ends.
    `view` None is the map of layers for a run that does nothing but damage single layers, else the dose–response;
    `lines` None is a line an ability where labels tell abilities apart and no metric is chosen, else a line a group."""

    view: View | None = None
    metric: str | None = None
    lines: Lines | None = None
    part: int = 0
    level: int = 0


@dataclass(frozen=True)
class Drawing:
    """A chart ready to draw: what it is of, and the panel of its view. `reason` says why there is neither."""

    metric: str = ""
    part: int = 0
    parts: int = 0
    panel: Panel | None = None
    scaling: ScalingPanel | None = None
    layers: LayerMap | None = None
    abilities: tuple[Ability, ...] = ()
    view: View = "dose"
    lines: Lines = "group"
    views: tuple[View, ...] = ("dose", "scaling")
    """What can be drawn of the run."""
    what: str = ""
    caption: tuple[str, ...] = ()
    """What the chart cannot show."""
    reason: str = ""


class Plot(PlotextPlot):  # type: ignore[misc]  # its package is not followed by mypy
    """A plotext plot in the series colours of the theme, or a sentence where there is nothing to draw."""

    def __init__(self) -> None:
        super().__init__()
        self.drawing = Drawing(reason="no trial with a result yet")

    def show(self, drawing: Drawing) -> None:
        """Draws from here on, again at every new size."""
        self.drawing = drawing
        self.refresh()

    def render(self) -> Any:
        if self.drawing.reason or self.size.width < 20 or self.size.height < 5:
            return Text(line(self.drawing.reason) or "too small for a chart", style=self.app.theme_variables["muted"])
        try:
            return self._drawn()
        except Exception as error:  # a chart must not end the console; it is not drawn again either
            self.drawing = replace(self.drawing, reason=own_faults.report(error))
            return Text(line(self.drawing.reason), style=self.app.theme_variables["error"])

    def _drawn(self) -> Text:
        if self.drawing.layers is not None:
            from app.map_chart import map_text

            width, height = self.size
            return map_text(self.drawing.layers, self.drawing.metric, width=width, height=height)
        self.plt.clear_figure()
        self._draw()
        self.plt.plotsize(*self.size)
        self.plt._set_size(*self.size)  # without it a plot keeps its first size: textual-plotext issue 5
        return Text.from_ansi(self.plt.build())

    def _draw(self) -> None:
        from app import ability_chart, charts, scaling_chart

        variables = self.app.theme_variables
        colours = [Color.parse(variables[f"series-{i}"]).rgb for i in range(1, 7)]
        self.plt.theme("clear")  # no background of its own
        self.plt.ticks_color(Color.parse(variables["muted"]).rgb)
        if self.drawing.panel is not None and self.drawing.abilities:
            ability_chart.draw_abilities(self.plt, self.drawing.panel, self.drawing.metric, colours=colours)
        elif self.drawing.panel is not None:
            charts.draw_dose(self.plt, self.drawing.panel, self.drawing.metric, colours=colours)
        elif self.drawing.scaling is not None:
            grey = Color.parse(variables["muted"]).rgb
            panel, metric, lines = self.drawing.scaling, self.drawing.metric, self.size.height
            scaling_chart.draw_scaling(self.plt, panel, metric, lines=lines, colours=colours, undamaged=grey)
        self.plt.title(None)  # the pane's border says it
        if self.size.height < ROOMY:
            self.plt.xlabel(None)
            self.plt.ylabel(None)


class ChartPane(Vertical, can_focus=True):
    """One chart, its title in the border and under it what the chart cannot show."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self.choice = Choice()
        self._build: Callable[[], list[Row]] = list
        self._frame: pd.DataFrame | None = None
        self._metrics: list[str] = []
        self._stale = False
        self._working: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        yield Plot()
        yield Static("", classes="caption", markup=False)

    def on_mount(self) -> None:
        self._title(Drawing())

    def load(self, build: Callable[[], list[Row]]) -> None:
        """Takes the tidy rows of a run, built in a thread; the chart follows when it is computed."""
        self._build, self._frame = build, None
        self._compute()

    def choose(self, **changed: Any) -> None:
        """Shows another view, metric, split or part."""
        self.choice = replace(self.choice, **changed)
        self._compute()

    def next_metric(self) -> None:
        """The next metric, after the last one the first."""
        from engine.analysis import headlines

        if not self._metrics:
            return
        of_several = self.choice.lines == "ability" or (self.choice.lines, self.choice.metric) == (None, None)
        if of_several and self.query_one(Plot).drawing.abilities:
            self.choose(metric=headlines(self._metrics)[0], lines=None, part=0)
            return
        shown = self.choice.metric if self.choice.metric in self._metrics else headlines(self._metrics)[0]
        here = self._metrics.index(shown)
        self.choose(metric=self._metrics[(here + 1) % len(self._metrics)])

    def swap_lines(self) -> None:
        """A line a group becomes a line a model, then an ability where labels tell them apart, then a group again."""
        from engine.analysis import told_apart

        kinds: tuple[Lines, ...] = ("group", "model", "ability") if told_apart(self._metrics) else ("group", "model")
        drawn = self.query_one(Plot).drawing.lines
        here = kinds.index(drawn if self._working is None else self.choice.lines or drawn)
        self.choose(lines=kinds[(here + 1) % len(kinds)], part=0)

    def swap_view(self) -> None:
        """Dose–response, then scaling, then the map of layers where the run has one, then the first again."""
        drawing = self.query_one(Plot).drawing
        here = self.view if self.view in drawing.views else drawing.view
        following = (drawing.views.index(here) + 1) % len(drawing.views)
        self.choose(view=drawing.views[following], part=0, level=0)

    @property
    def view(self) -> View:
        """What is drawn now, or will be in a moment."""
        return self.choice.view or self.query_one(Plot).drawing.view

    def next_part(self, by: int) -> None:
        """Another model or group (or, in scaling, another method)."""
        self.choose(part=self.choice.part + by)

    def next_level(self, by: int) -> None:
        """In scaling: another level at which the models are compared."""
        self.choose(level=self.choice.level + by)

    def _compute(self) -> None:
        """Starts the computation, or notes that what is under way will be out of date."""
        self._stale = self._working is not None and self._working.is_running
        if not self._stale:
            self._working = self._work(self._build, self._frame, self.choice)

    @work(thread=True, exit_on_error=False, description="chart_pane work")
    def _work(self, build: Callable[[], list[Row]], frame: pd.DataFrame | None, choice: Choice) -> None:
        from app.charts import harmless
        from engine.analysis import frame_of

        try:
            frame = harmless(frame_of(build())) if frame is None else frame
            drawing = compute(frame, choice)
            drawing = replace(drawing, caption=tuple(_caption(drawing)))
        except LesionError as error:
            drawing = Drawing(reason=str(error))
        except Exception as error:
            drawing = Drawing(reason=own_faults.report(error))
        self.app.call_from_thread(self._show, build, frame, drawing)

    def _show(self, build: Callable[[], list[Row]], frame: pd.DataFrame | None, drawing: Drawing) -> None:
        from engine.analysis import metric_names

        if build is self._build and frame is not None:
            self._frame, self._metrics = frame, metric_names([dict.fromkeys(frame.columns)])
        self._working = None
        if self.is_mounted:
            self.query_one(Plot).show(drawing)
            self._title(drawing)
            self.screen.refresh_bindings()
        if self._stale:
            self._compute()

    def _title(self, drawing: Drawing) -> None:
        kind = KINDS[drawing.view]
        titles = (kind, line(drawing.metric), line(drawing.what))
        self.border_title = Content(" · ".join(filter(None, titles)))
        lines = {"group": "a line a group", "model": "a line a model", "ability": "a line an ability"}[drawing.lines]
        lines = "a column a layer" if drawing.view == "layers" else lines
        self.border_subtitle = f"{drawing.part + 1} of {drawing.parts} · {lines}" if drawing.parts else lines
        self.query_one(".caption", Static).update("\n".join(line(sentence) for sentence in drawing.caption))


def _caption(drawing: Drawing) -> list[str]:
    from app import ability_chart, charts, map_chart, scaling_chart

    if drawing.abilities:
        return ability_chart.ability_caption(drawing.abilities)
    if drawing.panel:
        return charts.dose_caption(drawing.panel, drawing.metric)
    if drawing.scaling:
        return scaling_chart.scaling_caption(drawing.scaling)
    return map_chart.map_caption(drawing.layers, drawing.metric) if drawing.layers else []


def compute(frame: pd.DataFrame, choice: Choice) -> Drawing:
    """The chart that `choice` asks for of a run's table. Raises LesionError where it cannot be made."""
    from engine.analysis import headlines, metric_names, scanned

    metrics = metric_names([dict.fromkeys(frame.columns)])
    if not metrics:
        return Drawing(reason="no trial with a result yet")
    metric = choice.metric if choice.metric in metrics else headlines(metrics)[0]
    single = scanned(frame)
    views: tuple[View, ...] = ("dose", "scaling", "layers") if single.any() else ("dose", "scaling")
    only = single.any() and (single | (frame["method"] == "none")).all()
    view = choice.view if choice.view in views else "layers" if only else "dose"
    draw = {"dose": _dose, "scaling": _scaling, "layers": _layers}[view]
    return replace(draw(frame, choice, metric), view=view, views=views)


def _dose(frame: pd.DataFrame, choice: Choice, metric: str) -> Drawing:
    from app.charts import Panel
    from engine.analysis import Curve, dose, metric_names, told_apart
    from engine.catalog.columns import metric_of

    kinds = told_apart(metric_names([dict.fromkeys(frame.columns)]))
    if kinds and (choice.lines or ("group" if choice.metric else "ability")) == "ability":
        kind = metric_of(metric).name
        return _abilities(frame, choice, *(next(iter(kinds.items())) if kind not in kinds else (kind, kinds[kind])))
    by: Lines = "model" if choice.lines == "model" else "group"
    parts: dict[tuple[str, str], list[Curve]] = {}
    for curve in dose(frame, metric):
        parts.setdefault((curve.method, curve.model if by == "group" else curve.group), []).append(curve)
    if not parts:
        return Drawing(metric=metric, lines=by, reason=_UNDAMAGED)
    part = choice.part % len(parts)
    (method, fixed), curves = list(parts.items())[part]
    labels = tuple(curve.group if by == "group" else curve.model for curve in curves)
    what = f"{method} · {fixed}"
    return Drawing(metric, part, len(parts), panel=Panel(what, method, tuple(curves), labels), lines=by, what=what)


def _abilities(frame: pd.DataFrame, choice: Choice, kind: str, labelled: list[str]) -> Drawing:
    from app.ability_chart import ability_panels

    panels = ability_panels(frame, labelled)
    if not panels:
        return Drawing(metric=kind, lines="ability", reason=_UNDAMAGED)
    part = choice.part % len(panels)
    panel, shown = panels[part]
    return Drawing(kind, part, len(panels), panel=panel, abilities=shown, lines="ability", what=panel.title)


def _scaling(frame: pd.DataFrame, choice: Choice, metric: str) -> Drawing:
    from app.scaling_chart import chosen_level, compared_methods, scaling_panel

    methods = compared_methods(frame)
    part = choice.part % len(methods)
    level = chosen_level(frame, metric, methods[part], choice.level)
    panel = scaling_panel(frame, metric, methods[part], level)
    reason = f"no value above zero to compare the models by ({panel.title})" if panel.empty else ""
    return Drawing(metric, part, len(methods), scaling=panel, what=panel.title, reason=reason)


def _layers(frame: pd.DataFrame, choice: Choice, metric: str) -> Drawing:
    from engine.analysis import layer_maps

    maps = layer_maps(frame, metric)
    part = choice.part % len(maps)
    return Drawing(metric, part, len(maps), layers=maps[part], what=maps[part].model)
