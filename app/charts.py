"""The dose–response chart, drawn with plotext as text for the terminal or onto a console widget; parts for all charts.

Every `draw_…` takes the object to draw on: the plotext module or a textual-plotext plot, which share their functions.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app import safe
from app.words import rounded
from engine import catalog
from engine.analysis import CHANGE, Curve

if TYPE_CHECKING:
    import pandas as pd

# Codes of the 256-colour palette that keep a contrast of 3 : 1 and more on white and on black.
COLOURS: tuple[int, ...] = (32, 166, 29, 133, 136, 160, 30, 98)
# Without colour the points still tell the lines apart.
MARKERS = ("●", "◆", "■", "▲", "○", "◇", "□", "△")
NOT_FINITE = "×"
SMALL, LARGE = 1e-9, 1e9
"""Beyond these an axis counts in a unit of its own, and names its ticks."""
_SMALLEST, _LARGEST = -300, 308  # powers of ten between which floats have all their digits
LONGEST = 10_000  # characters of one word; two that differ only beyond would be one

_SELECTED = re.compile(r"\b(top_k|bottom_k|random) (\d+)\b(?!\.)")
"""How many weights were selected, in the name of a group."""


@dataclass(frozen=True)
class Panel:
    """The curves of one chart, all of one method, and the name of each in the legend."""

    title: str
    method: str
    curves: tuple[Curve, ...]
    labels: tuple[str, ...]


def harmless(frame: pd.DataFrame) -> pd.DataFrame:
    """A table of trials with all its words, names of metrics included, as they can be shown."""
    words = frame.select_dtypes(exclude="number").columns
    changed = {name: frame[name].map(_shown, na_action="ignore") for name in words}
    return frame.assign(**changed).rename(columns=_shown)


def panels(curves: Sequence[Curve]) -> list[Panel]:
    """Curves sorted into charts: a line a model for each method and group; with one model a line a group, or where that
    makes too many lines to tell apart, a chart for each number of weights selected."""
    one_model = len({curve.model for curve in curves}) == 1
    titles: dict[tuple[str, str], list[Curve]] = {}
    for curve in curves:
        titles.setdefault((curve.method, curve.model if one_model else curve.group), []).append(curve)
    charts = []
    for (method, fixed), of in titles.items():
        parts = _by_count(of) if one_model and len(of) > len(COLOURS) else [("", of, [curve.group for curve in of])]
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


def dose_chart(panel: Panel, metric: str, *, width: int = 80, height: int = 24, colour: bool = True) -> str:
    """The chart and its caption as text, at most `width` columns and `height` lines."""
    caption = wrapped(dose_caption(panel, metric), width)
    if not any(n for curve in panel.curves for n in curve.n):
        return "\n".join([f"{metric}: {panel.title}: no finite value to draw", *caption])
    return as_text(lambda plt: draw_dose(plt, panel, metric), caption, width, height, colour)


def draw_dose(plt: Any, panel: Panel, metric: str, *, colours: Sequence[Any] = COLOURS) -> None:
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
    used = [colours[index % len(colours)] for index in range(len(panel.curves))]
    for curve, colour in zip(panel.curves, used, strict=True):
        _draw_lines(plt, curve, x, y, colour)
    for index, curve in enumerate(panel.curves):
        _draw_points(plt, curve, x, y, panel.labels[index], used[index], MARKERS[index % len(MARKERS)])
        _draw_not_finite(plt, curve, x, top, used[index])


def dose_caption(panel: Panel, metric: str) -> list[str]:
    """What the chart cannot show: the baselines, the number of seeds, and every point that is not finite or missing."""
    named = list(zip(panel.labels, panel.curves, strict=True))
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


def logarithmic(metric: str) -> bool:
    """Whether the metric is read on a log axis; its change, which has a sign, is not."""
    if metric.endswith(CHANGE):
        return False
    known = catalog.metric(metric)
    return known is not None and known.log


def dose_words(method: str, level: float | None) -> str:
    """A method with its level: `mult_gauss σ 0.4`; a method this version does not know keeps its bare level."""
    if level is None:
        return method
    known = catalog.methods().get(method)
    symbol = f"{known.level.symbol} " if known and known.level else ""
    return f"{method} {symbol}{level:g}"


def _shown(word: object) -> str:
    return safe.line(word, longest=LONGEST)


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


@dataclass(frozen=True)
class Axis:
    """An axis that places logarithms itself: plotext's own log scale cuts ticks at unround numbers. A linear one places
    multiples of `unit`: plotext's arithmetic ends before floats do, and its ticks have every digit."""

    log: bool
    unit: float = 1.0

    @classmethod
    def of(cls, values: Iterable[float], *, log: bool = False) -> Axis:
        """An axis for these finite values; on a log axis they are above zero."""
        largest = max(map(abs, values), default=0.0)
        if log or not largest or SMALL < largest < LARGE:
            return cls(log)
        return cls(log, 10.0 ** max(math.floor(math.log10(largest)), -323))

    def places(self, values: Iterable[float]) -> list[float]:
        return [math.log10(value) if self.log else value / self.unit for value in values]

    def apply(self, plt: Any, axis: str, label: str, values: Sequence[float]) -> tuple[float, float]:
        """Set the label, limits with a margin around the values and, unless plotext does that well, ticks at round
        numbers.

        Returns the places of the two limits.
        """
        low, high = min(places := self.places(values)), max(places)
        margin = (high - low) * 0.04 or (0.2 if self.log else abs(high) * 0.1 or 1.0)
        getattr(plt, axis + "label")(label)
        getattr(plt, axis + "lim")(low - margin, high + margin)
        if self.log:
            self.ticks(plt, axis, _round_numbers(low - margin, high + margin))
        elif self.unit != 1:
            ticks = [tick * self.unit for tick in _even_numbers(low - margin, high + margin)]
            self.ticks(plt, axis, [tick for tick in ticks if math.isfinite(tick)])
        return low - margin, high + margin

    def ticks(self, plt: Any, axis: str, values: Sequence[float]) -> None:
        getattr(plt, axis + "ticks")(self.places(values), [_short(value) for value in values])


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


def _round_numbers(low: float, high: float) -> list[float]:
    """Three to nine ticks of a log axis from 10^low to 10^high: powers of ten, with 2 and 5 times those, or even steps
    in a narrow range; fewer at the ends of what floats hold."""
    decades = range(max(math.floor(low), _SMALLEST), min(math.ceil(high), _LARGEST) + 1)
    for steps in ((1,), (1, 2, 5)):
        every = [step * 10.0**decade for decade in decades for step in steps]
        inside = [tick for tick in every if math.isfinite(tick) and low <= math.log10(tick) <= high]
        if len(inside) >= 3 or low < _SMALLEST or high > _LARGEST:
            return inside[:: math.ceil(len(inside) / 9) or 1]
    return _even_numbers(10.0**low, 10.0**high)


def _even_numbers(low: float, high: float) -> list[float]:
    """At least three multiples of 1, 2 or 5 times a power of ten that lie between the two."""
    unit = 10.0 ** math.floor(math.log10(high - low))
    for step in (5 * unit, 2 * unit, unit, unit / 2, unit / 5):
        inside = [step * count for count in range(math.ceil(low / step), math.floor(high / step) + 1)]
        if len(inside) >= 3:
            break
    return inside


def _short(value: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size <= value < size * 1e3:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def as_text(draw: Callable[[Any], None], caption: list[str], width: int, height: int, colour: bool) -> str:
    """A plot of at least ten lines with the caption below it, together `height` lines where that leaves ten."""
    import plotext as plt

    plt.clear_figure()
    plt.limit_size(False, False)
    plt.plot_size(width, max(height - len(caption), 10))
    # No background and the terminal's own colour for the frame: right on light and dark alike.
    plt.theme("clear")
    draw(plt)
    text = plt.build()
    lines = (text if colour else plt.uncolorize(text)).rstrip().splitlines()
    return "\n".join([*lines, *caption])


def wrapped(lines: Iterable[str], width: int) -> list[str]:
    """The lines, those too long broken and indented."""
    return [part for line in lines for part in textwrap.wrap(line, width, subsequent_indent="  ")]
