"""The map of a layer scan: a row a method, group and level, a column a layer, drawn as coloured text.

A cell shows how far the metric is from the undamaged model's: as a number where there is room for it, else as a digit
from 9, the largest change of the map, down to 0, each step half of the one above: one layer that matters most would
hide all others on even steps. Colour only repeats what the digit and its sign say.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console
from rich.text import Text

from app.charts.chart import Choice, Ink, Kind, Paper, Part
from app.charts.drawing import NOT_FINITE, logarithmic, told, wrapped
from app.charts.table import Table
from app.words import dose_words, rounded
from engine.analysis import CHANGE, Cell, LayerMap, MapRow, change_from, layer_maps
from engine.record.changes import is_change

VIEW = "layer by layer"
NO_RESULT = "–"
NOT_DONE = " "
STEPS = 9
# Backgrounds for steps 0 to 9 in the 256-colour palette: the farther from no change the lighter, so that they are told
# apart by lightness alone; each with its own ink, so that light and dark terminals show the same.
ABOVE = (237, 52, 88, 124, 160, 166, 172, 178, 220, 229)
BELOW = (237, 17, 18, 19, 26, 32, 38, 44, 87, 195)
DARK_FROM = 6
"""The step from which on the ink is black."""

PLAIN = "color(231) on color(237)"
LONGEST = 34  # characters of a row's name


@dataclass(frozen=True)
class Scale:
    """How a metric's changes are shown: `largest` in size is step 9; `log`: they are decades of a factor."""

    metric: str
    baseline: float
    log: bool
    largest: float

    def change(self, cell: Cell | None) -> float:
        """The change of a cell; NaN where it has none."""
        if cell is None or not cell.n:
            return math.nan
        return change_from(cell.mean, self.baseline, self.metric, log=self.log)

    def step(self, change: float) -> int:
        """0 to 9."""
        return max(STEPS + round(math.log2(abs(change)) - math.log2(self.largest)), 0) if change else 0

    def middle(self, step: int) -> float:
        """The size of change that a step stands for."""
        return self.largest * 2.0 ** (step - STEPS)

    def words(self, change: float) -> str:
        """A change as a number: a factor where the scale is of factors, else to about a hundredth of the largest."""
        if self.log:
            return _factor(change)
        if self.largest >= 1e6 or 0 < self.largest < 1e-4:
            return f"{change:.1e}"
        decimals = max(2 - math.floor(math.log10(self.largest)), 0) if self.largest else 0
        return f"{change:.{decimals}f}" if self.itself else f"{change:+.{decimals}f}"

    @property
    def itself(self) -> bool:
        """Whether the metric is a change already."""
        return self.metric.endswith(CHANGE) or is_change(self.metric)


@dataclass(frozen=True)
class MapChart:
    """The map of one model."""

    metric: str
    layer_map: LayerMap
    reason = ""

    @property
    def title(self) -> str:
        return self.layer_map.model

    def picture(self, plt: Any, width: int, height: int, ink: Ink) -> Text:
        return map_text(self.layer_map, self.metric, width=width, height=height)

    def text(self, paper: Paper) -> str:
        """At most the paper's columns, and as many lines as it takes."""
        title = f"{self.metric} · {VIEW} · {self.title}"[: paper.width].center(paper.width).rstrip()
        caption = "\n".join(wrapped(told(self), paper.width))
        text = Text("\n").join([Text(title), map_text(self.layer_map, self.metric, width=paper.width), Text(caption)])
        return _coloured(text, paper.width) if paper.colour else "\n".join(map(str.rstrip, text.plain.splitlines()))

    def caption(self) -> list[str]:
        """What the colours cannot show: the baseline, the largest change, and every cell not finite or without
        result."""
        scale = scale_of(self.layer_map, self.metric)
        said = [] if scale.itself else [f"baseline: {self.layer_map.model} {rounded(self.layer_map.baseline)}"]
        named = [
            (row, layer, one)
            for row in self.layer_map.rows
            for layer, one in zip(self.layer_map.layers, row.cells, strict=True)
            if one
        ]
        changed = [(abs(scale.change(one)), row, layer, one) for row, layer, one in named]
        if finite := [each for each in changed if math.isfinite(each[0])]:
            _, row, layer, one = max(finite, key=lambda each: each[0])
            factor = "" if scale.itself else f" ({'×' if scale.log else ''}{scale.words(scale.change(one))})"
            said.append(f"largest change: {_name(row)} in layer {layer}: {rounded(one.mean)}{factor}")
        if (seeds := max(one.total for _, _, one in named)) > 1:
            said.append(f"cells: mean of {seeds} seeds")
        for word, mark, count in (("not finite", NOT_FINITE, "nonfinite"), ("no result", NO_RESULT, "missing")):
            broken = [
                f"{_name(row)} in layer {layer} ({getattr(one, count)} of {one.total})"
                for row, layer, one in named
                if getattr(one, count)
            ]
            if broken:
                said.append(f"{mark} {word}: " + ", ".join(broken))
        return said


class LayerMaps(Kind):
    """A map a model that was scanned layer by layer."""

    view = VIEW
    lines = ("a column a layer",)

    def offered(self, table: Table) -> bool:
        return bool(table.scanned.any())

    def opens(self, table: Table) -> bool:
        """For a run that does nothing but damage single layers."""
        return bool((table.scanned | (table.frame["method"] == "none")).all())

    def parts(self, table: Table, metric: str, choice: Choice) -> list[Part]:
        return [partial(MapChart, metric, layer_map) for layer_map in layer_maps(table.frame, metric)]


def map_text(layer_map: LayerMap, metric: str, *, width: int, height: int | None = None) -> Text:
    """The map under its legend; where that takes more than `height` lines, the last one says how many are left out."""
    scale = scale_of(layer_map, metric)
    if math.isnan(scale.baseline) and not scale.itself:
        return Text(f"no finite {metric} of the undamaged model to compare with")
    names = [_name(row) for row in layer_map.rows]
    label = min(max(map(len, names)), LONGEST, width // 2)
    cell, per_band, show = _fit(layer_map, scale, width - label - 1)
    lines = _legend(scale, width)
    for start in range(0, len(layer_map.layers), per_band):
        band = slice(start, start + per_band)
        lines.append(Text(" " * (label + 1) + _header(layer_map.layers[band], cell)))
        for name, row in zip(names, layer_map.rows, strict=True):
            line = Text(_cut(name, label).ljust(label + 1))
            for one in row.cells[band]:
                line.append_text(_cell(one, scale, cell, show))
            lines.append(line)
    if height is not None and len(lines) > height:
        left_out = len(lines) - height + 1
        lines = [*lines[: height - 1], Text(f"… {left_out} more lines in a larger window")]
    return Text("\n").join(lines)


def _coloured(text: Text, width: int) -> str:
    """The text with its colours as a terminal takes them."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system="256", width=width, legacy_windows=False)
    console.print(text, end="", no_wrap=True, crop=False, highlight=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def scale_of(layer_map: LayerMap, metric: str) -> Scale:
    """The scale that all rows of a map share."""
    scale = Scale(metric, layer_map.baseline, logarithmic(metric), 0.0)
    changes = [abs(scale.change(one)) for row in layer_map.rows for one in row.cells]
    largest = max((change for change in changes if math.isfinite(change)), default=0.0)
    return Scale(metric, layer_map.baseline, scale.log, largest)


def _name(row: MapRow) -> str:
    return f"{row.group} {dose_words(row.method, row.level)}"


def _cut(name: str, longest: int) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"


def _fit(layer_map: LayerMap, scale: Scale, room: int) -> tuple[int, int, Callable[[float], str]]:
    """Columns of a cell, layers beside one another, and what a cell says: numbers where all layers have room for them,
    else digits; where even those do not fit, the layers break into bands of like length."""
    changes = [scale.change(one) for row in layer_map.rows for one in row.cells]
    longest = max((len(scale.words(change)) for change in changes if math.isfinite(change)), default=1)
    count = len(layer_map.layers)
    needed = max(longest, len(str(layer_map.layers[-1]))) + 1
    if needed * count <= room:
        return min(room // count, needed + 3), count, scale.words
    bands = math.ceil(count / max(room // 2, 1))
    per_band = math.ceil(count / bands)
    return min(max(room // per_band, 2), 4), per_band, partial(_digit, scale)


def _digit(scale: Scale, change: float) -> str:
    step = scale.step(change)
    return f"-{step}" if change < 0 and step else str(step)


def _header(layers: tuple[int, ...], cell: int) -> str:
    """The layers' numbers above their cells: all of them, or where they would touch, those that have room."""
    line = ""
    for place, layer in enumerate(layers):
        at = (place + 1) * cell - 1  # under the number lies the last but one column, where cells' numbers end
        text = str(layer)
        if not line or at - len(text) > len(line.rstrip()) or cell > len(text) + 1:
            line = line.ljust(at - len(text)) + text
    return line


def _cell(one: Cell | None, scale: Scale, width: int, show: Callable[[float], str]) -> Text:
    if one is None:
        return Text(NOT_DONE * width)
    change = scale.change(one)
    if one.nonfinite or (one.n and not math.isfinite(change)):
        return Text(_placed(NOT_FINITE, width), style=PLAIN)
    if not one.n:
        return Text(_placed(NO_RESULT, width), style=PLAIN)
    return Text(_placed(show(change), width), style=_style(scale.step(change), below=change < 0))


def _placed(text: str, width: int) -> str:
    """Right, with one column free behind it where there is room for three."""
    return f"{text:>{width - 1}} " if width > 2 else f"{text:>{width}}"


def _style(step: int, *, below: bool) -> str:
    ink = 16 if step >= DARK_FROM else 231
    return f"color({ink}) on color({(BELOW if below else ABOVE)[step]})"


def _factor(change: float) -> str:
    """10 to the power of a change in few characters: 1.05, 35.1, 412, 4.2k, 27k, 1e+09."""
    if change > 300:
        return f"1e+{change:.0f}"
    factor = 10**change
    for size, unit in ((1.0, ""), (1e3, "k"), (1e6, "M")):
        if 0.095 * size <= factor < 999.5 * size:
            decimals = 2 if unit == "" and factor < 9.995 else 1 if factor < (9.95 if unit else 99.95) * size else 0
            return f"{factor / size:.{decimals}f}{unit}"
    return f"{factor:.0e}"


def _legend(scale: Scale, width: int) -> list[Text]:
    """What a step and its colour stand for, in as many lines as that takes; then the marks."""
    if not scale.largest:
        return [Text("no change anywhere")]
    shown = [_step_words(scale, step) for step in range(STEPS + 1)]
    what = "times the baseline" if scale.log else "" if scale.itself else "from the baseline"
    lines = [Text()]
    for step, words in enumerate([*shown, what]):
        if len(lines[-1]) + len(words) + 2 > width:
            lines.append(Text())
        if step <= STEPS:
            lines[-1].append(str(step), style=_style(step, below=False)).append(f" {words}  ")
        else:
            lines[-1].append(words)
    return lines


def _step_words(scale: Scale, step: int) -> str:
    size = scale.middle(step) if step else 0.0
    if scale.log:
        return _factor(size)
    return f"{size:.2g}"
