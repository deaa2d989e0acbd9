"""What charts share: axes, markers, and a picture drawn with plotext with its caption below it.

What draws takes the object to draw on: the plotext module or a textual-plotext plot, which share their functions.
"""

from __future__ import annotations

import math
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from app.charts.chart import Ink, Paper
from engine import catalog
from engine.analysis import CHANGE

if TYPE_CHECKING:
    from rich.text import Text

# Without colour the points still tell the lines apart.
MARKERS = ("●", "◆", "■", "▲", "○", "◇", "□", "△")
NOT_FINITE = "×"
ROOMY = 10  # lines from which on a plot has room for the names of its axes
SMALL, LARGE = 1e-9, 1e9
"""Beyond these an axis counts in a unit of its own, and names its ticks."""
_SMALLEST, _LARGEST = -300, 308  # powers of ten between which floats have all their digits


class Captioned(Protocol):
    """What a caption is told of."""

    @property
    def metric(self) -> str:
        """What the chart shows."""

    def caption(self) -> list[str]:
        """What the picture cannot show."""


class Plotted(ABC):
    """A chart that is drawn with plotext."""

    @property
    def reason(self) -> str:
        """Why the console shows this sentence in its place; empty where it is drawn."""
        return ""

    @property
    @abstractmethod
    def empty(self) -> str:
        """What is printed in place of a picture of nothing; empty where there is something to draw."""

    @abstractmethod
    def draw(self, plt: Any, ink: Ink, lines: int) -> None:
        """Draw it on a plot of so many lines; nothing but the title where there is nothing to draw."""

    @abstractmethod
    def caption(self) -> list[str]:
        """What the picture cannot show."""

    def picture(self, plt: Any, width: int, height: int, ink: Ink) -> Text:
        """The picture without a title in so many columns and lines; low ones without names of axes."""
        from rich.text import Text

        plt.clear_figure()
        plt.theme("clear")  # no background of its own
        plt.ticks_color(ink.undamaged)
        self.draw(plt, ink, height)
        plt.title(None)
        if height < ROOMY:
            plt.xlabel(None)
            plt.ylabel(None)
        plt.plotsize(width, height)
        plt._set_size(width, height)  # without it a plot keeps its first size: textual-plotext issue 5
        return Text.from_ansi(plt.build())

    def text(self, paper: Paper) -> str:
        """A plot of at least ten lines with the caption below it, together the paper's height where that leaves ten."""
        import plotext as plt

        caption = wrapped(told(cast(Captioned, self)), paper.width)
        if self.empty:
            return "\n".join([self.empty, *caption])
        lines = max(paper.height - len(caption), 10)
        plt.clear_figure()
        plt.limit_size(False, False)
        plt.plot_size(paper.width, lines)
        # No background and the terminal's own colour for the frame: right on light and dark alike.
        plt.theme("clear")
        self.draw(plt, Ink(), lines)
        text = plt.build()
        drawn = (text if paper.colour else plt.uncolorize(text)).rstrip().splitlines()
        return "\n".join([*drawn, *caption])


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


def logarithmic(metric: str) -> bool:
    """Whether the metric is read on a log axis; its change, which has a sign, is not."""
    if metric.endswith(CHANGE):
        return False
    known = catalog.metric(metric)
    return known is not None and known.log


def told(chart: Captioned) -> list[str]:
    """The caption of a chart and, of a metric that another program measured, what that is."""
    meaning = catalog.foreign(chart.metric)
    return [*chart.caption(), *([f"{chart.metric}: {meaning}"] if meaning else [])]


def wrapped(lines: Iterable[str], width: int) -> list[str]:
    """The lines, those too long broken and indented."""
    return [part for line in lines for part in textwrap.wrap(line, width, subsequent_indent="  ")]


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
