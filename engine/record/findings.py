"""What a trial finds beyond numbers: tables, and data by name, kept as files of the run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


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
