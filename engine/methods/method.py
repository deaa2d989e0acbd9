"""What every method is given, and what it gives back."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.models.loading import LoadedModel
from engine.progress import Note, Progress, silent, unheard
from engine.record.findings import Sheet
from engine.weights.draws import Draws
from engine.weights.selection import Selection
from engine.weights.slices import Slice


@dataclass(frozen=True)
class Context:
    """One act of damage: to what, how strong, and with which random numbers.

    Attributes:
        loaded: the model with its tokenizer, as it was loaded but for damage that came before.
        group: the parameter group that `slices` are the exact parts of, narrowed by layers, heads and experts.
        slices: what may be changed in place; it is put back afterwards, bit for bit.
        selection: which weights of the slices are meant; None: all.
        levels: the doses, rising: one, or all that a walk passes.
        draws: random numbers by the trial's seed and by each weight's own place.
        options: what the method leaves open, every one with its value.
        folder: where relative paths in options start.
        batch_size: how many inputs are taken together, for methods that read; halved where memory runs out.
        progress: to be told how far it is.
        undo: closed when the model is put back: it takes back what is changed beside the slices.
        note: to be told numbers on the way, by name, which are shown live.
        distance: how far the slices are from what they were: the length of their change.
    """

    loaded: LoadedModel
    group: str
    slices: Sequence[Slice]
    selection: Selection | None
    levels: tuple[float, ...]
    draws: Draws
    options: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path()
    batch_size: int = 1
    progress: Progress = silent
    undo: ExitStack = field(default_factory=ExitStack)
    note: Note = unheard
    distance: Callable[[], float] = lambda: math.nan

    @property
    def level(self) -> float:
        """The dose: the last, where there are several."""
        return self.levels[-1]


@dataclass(frozen=True)
class Damaged:
    """What a method did.

    Attributes:
        touched: how many weights of the slices it changed, or is without effect.
        metrics: numbers of its own by name, recorded beside those of the measurements; nan and inf are values like any
            other.
        artifact: what does not fit in numbers, as JSON; None where there is nothing.
        tables: for CSV files, by a name that goes into a file's name; empty for the only one.
    """

    touched: int
    metrics: dict[str, float] = field(default_factory=dict)
    artifact: dict[str, Any] | None = None
    tables: dict[str, Sheet] = field(default_factory=dict)


Damage = Callable[[Context], Damaged]
"""A method that is given everything: the shape of those that act on the model."""

Walk = Callable[[Context], Iterator[Damaged]]
"""One that walks: from the neutral level on it passes all levels of the context, and yields at each, with the model as
that level leaves it. What it yields at a level is the same whether or not another one follows."""
