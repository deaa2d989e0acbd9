"""The table of trials that charts are made of, and what of it every kind asks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from app import safe
from engine.analysis import metric_names, scanned, told_apart

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

LONGEST = 10_000  # characters of one word; two that differ only beyond would be one


@dataclass(frozen=True)
class Table:
    """A row a trial, see `of`. `run` is the directory of its artifacts, None where only the rows are at hand.

    With `maps_apart` trials that a map of layers shows are in no other chart.
    """

    frame: pd.DataFrame
    run: Path | None = None
    maps_apart: bool = False

    @classmethod
    def of(cls, frame: pd.DataFrame, run: Path | None = None, *, maps_apart: bool = False) -> Table:
        """A table of trials, names of metrics and all other words as they can be shown."""
        words = frame.select_dtypes(exclude="number").columns
        changed = {name: _all_shown(frame[name]) for name in words}
        return cls(frame.assign(**changed).rename(columns=_shown), run, maps_apart)

    @cached_property
    def metrics(self) -> list[str]:
        """All metrics and changes of the table."""
        return metric_names([dict.fromkeys(self.frame.columns)])

    @cached_property
    def told_apart(self) -> dict[str, list[str]]:
        """The kinds of metric that several labels tell apart, with the metrics of each."""
        return told_apart(self.metrics)

    @cached_property
    def scanned(self) -> pd.Series[bool]:
        """The rows that a map of layers shows."""
        return scanned(self.frame)

    def of_largest(self) -> Table:
        """The trials of its largest model, and of those whose size is not known."""
        params = self.damages["params"]
        return Table(self.damages[(params == self.damages["params"].max()) | params.isna()], self.run)

    @cached_property
    def damages(self) -> pd.DataFrame:
        """The rows of every chart but the map of layers."""
        return self.frame[~self.scanned] if self.maps_apart else self.frame


def _all_shown(column: pd.Series[str]) -> pd.Series[str]:
    """A column of words as they can be shown; each word is looked at once."""
    import pandas as pd

    found, held = column.factorize()
    words = pd.Index(held)
    if words.empty:
        return column
    return pd.Series(words.map(_shown).take(found, allow_fill=True), index=column.index)  # -1: there was none


def _shown(word: object) -> str:
    return safe.line(word, longest=LONGEST)
