"""What all figures share: sizes, colours, the line below that says what is drawn, files that are equal each time."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engine.harmless import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#5B5B5B")
"""Of groups and damages: those of Okabe and Ito, told apart by readers who do not see all colours."""
GREY, INK, FAINT = "#6b6b6b", "#222222", "#d9d9d9"
MARKERS = ("o", "D", "s", "^", "v", "P", "X", "h")
LARGEST = 1e100
"""What is further from 0, or as near to it, is not drawn: the arithmetic of axes ends before floats do."""
WIDTH = 7.0
"""Inches: a page's text."""
_CAPTION = 6.5
_SHORT = 60

_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#ececec",
    "grid.linewidth": 0.7,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "svg.hashsalt": "lesion",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "text.parse_math": False,
}


@contextmanager
def style() -> Iterator[None]:
    """Within: what is drawn has our style, and letters that the font lacks are boxes without a warning."""
    from matplotlib import rc_context

    with rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def sheet(rows: int, columns: int, *, height: float, title: str, width: float = WIDTH) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, row by row. Heights and widths are inches; the caption comes below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    figure.suptitle(shown(title, _SHORT * 2), x=0.01, ha="left", fontsize=11, fontweight="bold", color=INK)
    return figure, panels


def caption(figure: Figure, text: str) -> None:
    """The line below: which runs, the filter and how many values."""
    wide = int(figure.get_figwidth() * 21)
    lines = "\n".join(textwrap.wrap(shown(text, 2_000), wide))
    figure.supxlabel(lines, x=0.01, ha="left", fontsize=_CAPTION, color=GREY)


def files_of(figure: Figure, formats: Iterable[str]) -> dict[str, bytes]:
    """The figure by format."""
    dates: dict[str, dict[str, None]] = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    made = {}
    for form in formats:
        buffer = io.BytesIO()
        figure.savefig(buffer, format=form, metadata=dates[form])
        made[form] = buffer.getvalue()
    return made


def shown(text: object, longest: int = _SHORT) -> str:
    """Words from anywhere as text of a figure."""
    whole = "".join(map(visible, str(text)))
    return whole if len(whole) <= longest else f"{whole[: longest - 1]}…"


def drawable(value: float) -> bool:
    """Whether a value has a place on an axis."""
    return value == 0 or 1 / LARGEST <= abs(value) <= LARGEST


def clipped(values: Iterable[float]) -> list[float]:
    """Values of a curve, those without a place as the nearest that has one; nan stays."""
    return [max(min(value, LARGEST), -LARGEST) if value == value else value for value in values]


def shades(count: int) -> list[Any]:
    """Colours of models by size, from light to dark."""
    from matplotlib import colormaps

    colours = colormaps["viridis_r"]
    return [colours(0.12 + 0.83 * (place / max(count - 1, 1))) for place in range(count)]


def spare(panels: Sequence[Axes], used: int) -> None:
    """Hide the panels that nothing was drawn in."""
    for panel in panels[used:]:
        panel.set_visible(False)


def decades(panel: Axes, axis: str) -> None:
    """Plain numbers at the ticks of a logarithmic axis that spans little, where powers of ten say nothing."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

    which = panel.xaxis if axis == "x" else panel.yaxis
    low, high = which.get_view_interval()
    narrow = low > 0 and high / low < 300
    if low > 0 and high / low < 6:
        which.set_major_locator(MaxNLocator(5))
        which.set_minor_locator(NullLocator())
        which.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
        return
    which.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0) if narrow else (1.0,), numticks=9))
    which.set_minor_formatter(NullFormatter())
    which.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))


def plain_ticks(panel: Axes) -> None:
    """Sizes at the ticks of a linear axis: `500k`."""
    from matplotlib.ticker import FuncFormatter

    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))


def plain(value: float) -> str:
    """`200`, `1.5`, `20k`, `7G`, `1e-5`: a tick."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size <= abs(value) < size * 1e3:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"
