"""The artifacts of a trial, one at a time, over the Browse screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from textual_fastdatatable import ArrowBackend, DataTable

from app.console.browse.artifact_data import Artifact, read
from app.console.shared.dialog import Dialog
from app.console.shared.handing import hand_over
from app.safe import line


class _Cells(ArrowBackend):  # type: ignore[misc]  # its package is not followed by mypy
    """Cells as literal text, numbers to the right."""

    def __init__(self, artifact: Artifact) -> None:
        names = [str(at) for at in range(len(artifact.columns))]
        columns = [pa.array([row[at] for row in artifact.rows], pa.string()) for at in range(len(names))]
        super().__init__(pa.table(columns, names=names))
        self._right = artifact.right

    def get_row_at(self, index: int) -> list[Text]:
        return [self.get_cell_at(index, column) for column in range(self.column_count)]

    def get_cell_at(self, row_index: int, column_index: int) -> Text:
        cell = self.data[column_index][row_index].as_py()
        return Text(cell, justify="right" if self._right[column_index] else "left", no_wrap=True)


class ArtifactView(Dialog[None]):
    """A table of what one file holds; `]` and `[` go to the trial's other files."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_square_bracket", "other(1)", "Next", key_display="]", priority=True),
        Binding("left_square_bracket", "other(-1)", "Previous", key_display="[", priority=True),
        Binding("a", "cancel", show=False),
    ]

    def __init__(self, run: Path, names: Sequence[str]) -> None:
        super().__init__()
        self._run = run
        self._names = list(names)
        self._at = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog artifact"):
            yield Static("reading…", classes="note", markup=False)
            yield Vertical(classes="cells")

    def on_mount(self) -> None:
        self._read(self._names[0])

    def action_other(self, by: int) -> None:
        """Another file of the trial."""
        self._at = (self._at + by) % len(self._names)
        self._read(self._names[self._at])

    @work(thread=True, exclusive=True, exit_on_error=False, description="artifact read")
    def _read(self, name: str) -> None:
        artifact = read(self._run, name)
        hand_over(self, self._show, name, artifact)

    async def _show(self, name: str, artifact: Artifact) -> None:
        if not self.is_mounted or name != self._names[self._at]:
            return
        box = self.query_one(".artifact", Vertical)
        box.border_title = Content(line(Path(name).name))
        several = f"{self._at + 1} of {len(self._names)}   [ ] others   " if len(self._names) > 1 else ""
        box.border_subtitle = Content(f"{several}↑↓ rows   ←→ columns   esc back")
        note = self.query_one(".note", Static)
        note.update(artifact.note)
        note.display = bool(artifact.note)
        cells = self.query_one(".cells", Vertical)
        await cells.remove_children()
        if artifact.rows:
            labels = [Text(name) for name in artifact.columns]
            backend = _Cells(artifact)
            table = DataTable(backend=backend, column_labels=labels, cursor_type="row", render_markup=False)
            await cells.mount(table)
            table.focus()
