"""The scaling chart: a metric over the size of equally damaged models, a line a group beside the undamaged models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from app.charts.chart import Choice, Ink, Kind, Part
from app.charts.dose import A_GROUP
from app.charts.drawing import MARKERS, Axis, Plotted
from app.charts.table import Table
from app.words import dose_words
from engine.analysis import CHANGE, Scaling, scaling, strongest
from engine.analysis.power_law import FEWEST_POINTS
from engine.analysis.statistics.summary import CONFIDENCE
from engine.record.changes import is_change

if TYPE_CHECKING:
    import pandas as pd

UNDAMAGED_MARKER = "+"
FRAME = 6  # lines of a plot that are not its canvas: title, names, two sides of the frame, ticks, axis labels
FAR_SIDES = {"xside": "upper", "yside": "right"}  # the axes that carry names
BAND_STEPS = 200  # points of the band along the sizes: one a column, at least
EXACT = 1e-9  # of log10 of the value: what deviates less is rounding
LONGEST = 24  # characters of a name beside the plot
HEADINGS = ("", "exponent", "R²", "p", "models", "dropped")


@dataclass(frozen=True)
class Series:
    """One line of the chart. `place` counts the method's groups, and so picks colour and marker as in the dose chart;
    it is None for the undamaged models."""

    label: str
    place: int | None
    scaling: Scaling

    @property
    def marker(self) -> str:
        return UNDAMAGED_MARKER if self.place is None else MARKERS[self.place % len(MARKERS)]

    def colour(self, ink: Ink) -> Any:
        """Its own of the colours of groups, or that of the undamaged models."""
        return ink.undamaged if self.place is None else ink.colours[self.place % len(ink.colours)]


@dataclass(frozen=True)
class ScalingPanel:
    """One chart: every group damaged by one method at one level, then the undamaged models."""

    title: str
    series: tuple[Series, ...]

    @property
    def empty(self) -> bool:
        """Whether no model of any series has a value above zero."""
        return not any(one.scaling.values for one in self.series)


@dataclass(frozen=True)
class ScalingChart(Plotted):
    """Metric over parameters on two log axes: a point a model, a bar over its seeds.

    Each series has its fitted law as a line, dots where the band of the law ends, as far as there is room, and its name
    beside its largest model; the models are named above. A bar that reaches zero ends at the lowest value drawn.
    """

    metric: str
    panel: ScalingPanel

    @property
    def title(self) -> str:
        return self.panel.title

    @property
    def reason(self) -> str:
        return f"no value above zero to compare the models by ({self.title})" if self.panel.empty else ""

    @property
    def empty(self) -> str:
        return f"{self.metric} · {self.title}: no value above zero to draw" if self.panel.empty else ""

    def draw(self, plt: Any, ink: Ink, lines: int) -> None:
        plt.title(f"{self.metric} · {self.panel.title}")
        if self.panel.empty:
            return
        drawn = [(one, one.colour(ink)) for one in self.panel.series if one.scaling.values]
        x, y = Axis(log=True), Axis(log=True)
        x_limits = x.apply(plt, "x", "parameters (total)", [size for one, _ in drawn for size in one.scaling.params])
        heights = [value for one, _ in drawn for value in _heights(one.scaling)]
        y_limits = y.apply(plt, "y", self.metric, heights)
        for one, colour in drawn:
            _draw_band(plt, one.scaling, x, y, y_limits, colour)
        for one, colour in drawn:
            _draw_line(plt, one.scaling, x, y, min(heights), colour)
        for one, colour in reversed(drawn):  # a group lies over the undamaged models
            plt.scatter(x.places(one.scaling.params), y.places(one.scaling.values), marker=one.marker, color=colour)
        plt.xlim(*x_limits, xside="upper")
        plt.ylim(*y_limits, yside="right")
        _name_models(plt, [one for one, _ in drawn], x)
        _name_series(plt, drawn, x, y, y_limits, lines - FRAME)

    def caption(self) -> list[str]:
        """A table of the fits, a line a series under its headings, then what points, bars and lines are and what is
        not."""
        rows = [HEADINGS, *(_row(one) for one in self.panel.series)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        said = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
        seeds = {n for one in self.panel.series for n in one.scaling.n}
        if max(seeds, default=0) > 1:
            several = " to ".join(str(n) for n in sorted({min(seeds), max(seeds)}))
            said.append(f"points: mean of {several} seeds; bars: smallest to largest; lines: power laws")
        if any(_has_band(one.scaling) for one in self.panel.series):
            said.append(f"dots: where the law lies with {CONFIDENCE:.0%}, as far as that is inside the chart")
        if any(one.scaling.exponent is None for one in self.panel.series):
            said.append(f"no fit: a fit needs {FEWEST_POINTS} models of different size with a value above zero")
        if any(one.scaling.dropped for one in self.panel.series):
            said.append("dropped: trials not finite, without result, or of a model with a mean <= 0")
        return said


class Scalings(Kind):
    """A chart a method: every group that it damaged at one level, over the size of the model."""

    view = "scaling"
    lines = (A_GROUP,)
    compares = levels = True

    def parts(self, table: Table, metric: str, choice: Choice) -> list[Part]:
        return [partial(_chart, table.damages, metric, method, choice) for method in compared_methods(table.damages)]


def _chart(frame: pd.DataFrame, metric: str, method: str, choice: Choice) -> ScalingChart:
    level = chosen_level(frame, metric, method, choice.steps) if choice.level is None else choice.level
    return ScalingChart(metric, scaling_panel(frame, metric, method, level))


def compared_methods(frame: pd.DataFrame) -> list[str]:
    """The methods of the table that have a scaling chart each, `none` where nothing was damaged."""
    return [str(method) for method in frame[frame["level"].notna()]["method"].unique()] or ["none"]


def chosen_level(frame: pd.DataFrame, metric: str, method: str, steps: int = 0) -> float | None:
    """The level to compare models at, `steps` levels up or down from the strongest that most survive, round the ends;
    None where the method has no levels."""
    level = strongest(frame, metric, method)
    if level is None:
        return None
    levels = sorted({float(one) for one in frame[frame["method"] == method]["level"].dropna()})
    return levels[(levels.index(level) + steps) % len(levels)]


def scaling_panel(frame: pd.DataFrame, metric: str, method: str, level: float | None) -> ScalingPanel:
    """What the table says of a method at a level; of method `none`, the undamaged models alone.

    A metric that is a change has no series of undamaged models. Raises LesionError where the table has no such metric.
    """
    groups = list(frame[frame["method"] == method]["group"].unique()) if method != "none" else []
    series = [
        Series(str(group), place, scaling(frame, metric, method, str(group), level))
        for place, group in enumerate(groups)
    ]
    if not (metric.endswith(CHANGE) or is_change(metric)):
        series.append(Series("undamaged", None, scaling(frame, metric)))
    return ScalingPanel("undamaged" if method == "none" else dose_words(method, level), tuple(series))


def _row(one: Series) -> tuple[str, ...]:
    fit = one.scaling
    counts = (str(len(fit.values)), str(fit.dropped))
    name = f"{one.marker} {one.label}"
    if fit.exponent is None or fit.stderr is None or fit.r2 is None or fit.p is None:
        return (name, "no fit", "–", "–", *counts)
    return (name, f"{fit.exponent:.4f} ± {fit.stderr:.4f}", f"{fit.r2:.4f}", f"{fit.p:.2g}", *counts)


def _ends(fit: Scaling) -> tuple[list[int], list[float]]:
    """Sizes and values of the two ends of the fitted line; nothing without a fit, or where it has no place."""
    sizes = [] if fit.exponent is None else [min(fit.params), max(fit.params)]
    values = [fit.at(size) for size in sizes]
    return (sizes, values) if all(0 < value < math.inf for value in values) else ([], [])


def _heights(fit: Scaling) -> list[float]:
    """Every value of a series that has a place on a log axis."""
    return [value for value in (*fit.values, *fit.low, *fit.high, *_ends(fit)[1]) if value > 0]


def _draw_line(plt: Any, fit: Scaling, x: Axis, y: Axis, lowest: float, colour: Any) -> None:
    for size, low, high in zip(fit.params, fit.low, fit.high, strict=True):
        if low < high:
            plt.plot(x.places([size, size]), y.places([max(low, lowest), high]), marker="│", color=colour)
    sizes, values = _ends(fit)
    if sizes:
        plt.plot(x.places(sizes), y.places(values), marker="braille", color=colour)


def _has_band(fit: Scaling) -> bool:
    """Whether the law leaves anything open; one through all of its points has no band beside its line."""
    return fit.law.fitted and fit.law.deviation > EXACT


def _draw_band(plt: Any, fit: Scaling, x: Axis, y: Axis, limits: tuple[float, float], colour: Any) -> None:
    """Dots where the band of the law ends, of those ends that lie inside the chart."""
    if not _has_band(fit):
        return
    low, high = math.log10(min(fit.params)), math.log10(max(fit.params))
    sizes = [10.0 ** (low + (high - low) * step / BAND_STEPS) for step in range(BAND_STEPS + 1)]
    ends = [(size, end) for size in sizes for end in fit.law.band(size, CONFIDENCE, of_mean=True)]
    places = [(size, y.places([end])[0]) for size, end in ends if 0 < end < math.inf]
    inside = [(size, place) for size, place in places if limits[0] <= place <= limits[1]]
    if inside:
        plt.scatter(x.places(size for size, _ in inside), [place for _, place in inside], marker="·", color=colour)


def _name_models(plt: Any, series: Sequence[Series], x: Axis) -> None:
    """The names of the models along the upper side, as many as there is room for."""
    sizes = {model: size for one in series for model, size in zip(one.scaling.models, one.scaling.params, strict=True)}
    ends = [model.rstrip("/").rpartition("/")[2] for model in sizes]
    names = [end if ends.count(end) == 1 else model for model, end in zip(sizes, ends, strict=True)]
    plt.xticks(x.places(sizes.values()), names, xside="upper")


def _name_series(
    plt: Any, drawn: Sequence[tuple[Series, Any]], x: Axis, y: Axis, limits: tuple[float, float], rows: int
) -> None:
    """The name of each series along the right side, at the height of its last point, no two on one row.

    No names where there are more series than rows: the caption has them too.
    """
    ordered = sorted(drawn, key=lambda each: each[0].scaling.values[-1])
    places = y.places(one.scaling.values[-1] for one, _ in ordered)
    for (one, colour), place in zip(ordered, places, strict=True):
        plt.scatter(x.places(one.scaling.params[-1:]), [place], marker=one.marker, color=colour, **FAR_SIDES)
    names = [f"{one.marker} {_short(one.label)}" for one, _ in ordered]
    fits = len(names) <= rows
    plt.yticks(_apart(places, *limits, rows) if fits else [], names if fits else [], yside="right")


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else label[: LONGEST - 1] + "…"


def _apart(places: Sequence[float], low: float, high: float, rows: int) -> list[float]:
    """Ascending places on an axis, moved as little as it takes to lie on different rows of a canvas of `rows` rows."""
    step = (high - low) / (rows - 1) if rows > 1 else high - low
    taken: list[int] = []
    for place in places:
        taken.append(max(round((place - low) / step), taken[-1] + 1 if taken else 0))
    for index in range(len(taken)):
        taken[-1 - index] = min(taken[-1 - index], rows - 1 - index)
    return [low + row * step for row in taken]
