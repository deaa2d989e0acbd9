"""What a kind of chart is: of a table and a choice it makes charts, each with its title, picture, caption and text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.text import Text

    from app.charts.table import Table

# Codes of the 256-colour palette that keep a contrast of 3 : 1 and more on white and on black.
COLOURS: tuple[int, ...] = (32, 166, 29, 133, 136, 160, 30, 98)
UNDAMAGED = 244  # a grey with the same contrast


@dataclass(frozen=True)
class Choice:
    """What somebody asked to see; what is left out fits the run.

    `view` and `lines` are words that kinds have; `part` counts the charts of a kind, round the ends. `level` is where
    damaged models are compared (None: the strongest that most survive), `steps` so many levels up or down from there.
    """

    view: str | None = None
    metric: str | None = None
    lines: str | None = None
    part: int = 0
    level: float | None = None
    steps: int = 0


@dataclass(frozen=True)
class Paper:
    """What a chart is printed on: columns, lines, and whether there is colour."""

    width: int = 80
    height: int = 24
    colour: bool = True


@dataclass(frozen=True)
class Ink:
    """Colours as plotext takes them: those of the series in their order, and that of undamaged models."""

    colours: Sequence[Any] = COLOURS
    undamaged: Any = UNDAMAGED


class Chart(Protocol):
    """One chart, ready to draw."""

    @property
    def metric(self) -> str:
        """What it shows: a metric, or a kind of metric that labels tell apart."""

    @property
    def title(self) -> str:
        """What it shows it of: a method, a group, a model …"""

    @property
    def reason(self) -> str:
        """Why the console shows this sentence in its place; empty where it is drawn."""

    def caption(self) -> list[str]:
        """What the picture cannot show, a sentence or a row a line."""

    def picture(self, plt: Any, width: int, height: int, ink: Ink) -> Text:
        """The picture alone in so many columns and lines; `plt` is a textual-plotext plot to draw it with."""

    def text(self, paper: Paper) -> str:
        """Picture and caption for a terminal or a file."""


Part = Callable[[], Chart]
"""A chart that is computed when it is called for."""


class Kind(ABC):
    """One kind of chart. A new one is a module of its own and a line in app/charts/kinds.py."""

    view = ""
    """What the console calls it; kinds of one view are told apart by their lines. Empty: `lesion chart` alone draws
    it."""
    lines: tuple[str, ...] = ("",)
    """What a line of it can be, in words that a choice may hold."""
    nothing = "nothing to draw of these trials"
    """What the console says where there is no chart of it yet."""
    several = False
    """Whether it draws what several labels tell apart (`accuracy`), and nothing else."""
    compares = False
    """Whether it sets models against one another; of one model `lesion chart` leaves it out."""
    levels = False
    """Whether it is of one level that can be chosen."""

    def offered(self, table: Table) -> bool:
        """Whether the console can draw it of this table."""
        return bool(self.view)

    def opens(self, table: Table) -> bool:
        """Whether the console begins with it where it is offered, unless it does with an earlier kind of the list."""
        return False

    @abstractmethod
    def parts(self, table: Table, metric: str, choice: Choice) -> Sequence[Part]:
        """Its charts of a metric, none where the table has nothing for it. Raises LesionError where the table lacks the
        metric."""
