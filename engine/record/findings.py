"""What a trial finds beyond numbers: tables, and data by name, kept as files of the run."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.harmless import csv_cell


@dataclass(frozen=True)
class Sheet:
    """A table for a CSV file; a cell is a text, a number or None, which is an empty cell."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


class Findings(Protocol):
    """What a measurement or a method leaves for the artifacts folder.

    Attributes:
        artifact: what does not fit in metrics, such as values by layer, as JSON; None where there is nothing.
        tables: by a name that goes into a file's name; empty for the only one.
    """

    @property
    def artifact(self) -> dict[str, Any] | None: ...
    @property
    def tables(self) -> dict[str, Sheet]: ...


def as_csv(sheet: Sheet) -> str:
    """A line of column names, then the rows; every float in as many digits as tell it from its neighbours, or as nan,
    inf or -inf; texts made harmless (see `csv_cell`)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(csv_cell, sheet.columns))
    writer.writerows(map(csv_cell, row) for row in sheet.rows)
    return text.getvalue()
