"""A run's trials as a table: any number of rows, sorted by any column, narrowed by a line of text."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.message import Message
from textual_fastdatatable import ArrowBackend, DataTable

from app.console.browse.run_data import NUMBERS, WORDS, RunData
from app.console.browse.trial_filter import order, select
from app.console.shared.figures import outcome_text
from app.safe import line
from app.words import number, percent
from engine.catalog.columns import CHANGE

_CHANGE = len(percent(123456.0))  # the longest of those that are not written with a power of ten
WIDEST = 30  # cells of a column of words


class TrialBackend(ArrowBackend):  # type: ignore[misc]  # its package is not followed by mypy
    """Hands out cells as text made for reading, one row at a time: nothing is formatted that is not on screen."""

    def __init__(self, table: pa.Table) -> None:
        super().__init__(table)
        self._widths = [_width(name, table[name]) for name in table.column_names]

    def show(self, places: pa.Array) -> None:
        """Shows these rows of the whole table, in this order."""
        self.data = self.source_data.take(places)

    @property
    def column_content_widths(self) -> list[int]:
        return self._widths

    def get_row_at(self, index: int) -> list[Text]:
        return [self.get_cell_at(index, column) for column in range(self.column_count)]

    def get_cell_at(self, row_index: int, column_index: int) -> Text:
        name = self.data.column_names[column_index]
        value = self.data[column_index][row_index].as_py()
        if name == "status":
            return outcome_text(str(value))
        if name in WORDS:
            baseline = name == "method" and value == "none"
            return Text("baseline" if baseline else value or "", style="muted" if baseline else "")
        text = percent(value) if name.endswith(CHANGE) else _figure(name, value)
        return Text(text, style=self._style(value), justify="right")

    def _style(self, value: float | None) -> str:
        return "warning" if value is not None and value - value != 0 else ""


class TrialTable(DataTable):  # type: ignore[misc]  # its package is not followed by mypy
    """Arrow keys move the cursor and the column; `s` sorts by that column, again the other way, again not at all."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "Sort", tooltip="sort by the marked column; again: the other way; again: not at all"),
        Binding("left", "column(-1)", "Column", key_display="←→", tooltip="mark a column to sort by"),
        Binding("right", "column(1)", "Column", show=False),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G", "scroll_end", "Foot", show=False),
        Binding("tab", "app.focus_next", "Next", show=False),
        Binding("shift+tab", "app.focus_previous", "Previous", show=False),
        Binding("enter", "select_cursor", "Texts", tooltip="this trial alone, with its texts; esc: back"),
    ]

    class Marked(Message):
        """The cursor came to another trial; `row` is its place in the run's rows, None where there is none."""

        def __init__(self, row: int | None) -> None:
            super().__init__()
            self.row = row

    def __init__(self, data: RunData, *, id: str | None = None) -> None:
        self._trials = data
        super().__init__(
            backend=TrialBackend(data.table),
            cursor_type="row",
            render_markup=False,
            max_column_content_width=WIDEST,
            column_labels=[_label(name) for name in data.table.column_names],
            id=id,
        )
        self._places: pa.Array = pa.array(range(data.table.num_rows), pa.int64())
        self.column = 0
        self.sorted_by: int | None = None
        self.descending = False
        self.filter = ""

    def on_mount(self) -> None:
        self._arrange(None)

    @property
    def trial(self) -> int | None:
        """The place in the run's rows of the trial under the cursor."""
        row = self.cursor_row
        return self._places[row].as_py() if 0 <= row < len(self._places) else None

    def narrow(self, text: str) -> int:
        """Shows the trials that `text` fits and says how many they are."""
        self.filter = text
        self._arrange(self.trial)
        return len(self._places)

    def replace(self, data: RunData) -> None:
        """Takes a newer reading of the same run; cursor, order and filter stay."""
        row = self.trial
        key = None if row is None else self._trials.key(row)
        self._trials = data
        self.backend = TrialBackend(data.table)
        self._column_labels = [_label(name) for name in data.table.column_names]
        self._arrange(None if key is None else data.place(key))

    def action_column(self, by: int) -> None:
        """Marks the next column, and brings it into view."""
        self.column = (self.column + by) % self.column_count
        self._mark()
        self.scroll_to_region(self._get_column_region(self.column), animate=False, force=True)

    def action_sort(self) -> None:
        """By the marked column upwards, then downwards, then in the order of the run."""
        if self.sorted_by != self.column:
            self.sorted_by, self.descending = self.column, False
        elif not self.descending:
            self.descending = True
        else:
            self.sorted_by = None
        self._arrange(self.trial)

    def watch_cursor_coordinate(self, old_coordinate: Coordinate, new_coordinate: Coordinate) -> None:
        super().watch_cursor_coordinate(old_coordinate, new_coordinate)
        self.post_message(self.Marked(self.trial))

    def _arrange(self, kept: int | None) -> None:
        """Filters and sorts; the cursor goes to the row `kept` where that is shown, else to the first."""
        by = None if self.sorted_by is None else self._trials.table.column_names[self.sorted_by]
        self._places = order(self._trials.table, select(self._trials, self.filter), by, self.descending)
        self.backend.show(self._places)
        place = self._places.index(pa.scalar(kept, self._places.type)).as_py() if kept is not None else 0
        self._ordered_columns = None
        self._require_update_dimensions = True
        self._mark()
        self.cursor_coordinate = Coordinate(max(place, 0), 0)
        self.post_message(self.Marked(self.trial))

    def _mark(self) -> None:
        """Writes the column's mark and the sort's direction into the header."""
        for place, (column, name) in enumerate(zip(self.ordered_columns, self._trials.table.column_names, strict=True)):
            arrow = ("▼" if self.descending else "▲") if place == self.sorted_by else " "
            column.label = _label(name, arrow, marked=place == self.column)
        self._update_count += 1
        self.refresh()


def _label(name: str, arrow: str = " ", *, marked: bool = False) -> Text:
    """A column's name, the sort's direction on the side where the values leave room."""
    shown = "change" if name.endswith(CHANGE) else line(name, longest=WIDEST)
    style = "underline" if marked else ""
    if name in WORDS:
        return Text.assemble((shown, style), arrow)
    return Text.assemble(arrow, (shown, style), justify="right")


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "" if name == "level" else "–"
    return f"{value:g}" if name == "level" else str(value) if name == "seed" else number(value)


def _width(name: str, values: pa.ChunkedArray) -> int:
    """Cells that the widest value of a column needs."""
    import pyarrow.compute as pc
    from rich.cells import cell_len

    if name in WORDS:
        extra = 2 if name == "status" else 0
        shown = [cell_len(value or "") + extra for value in pc.unique(values).to_pylist()]
        return max([*shown, len("baseline") if name == "method" else 0])
    if name in NUMBERS:
        return max((len(_figure(name, value)) for value in pc.unique(values).to_pylist()), default=0)
    if not name.endswith(CHANGE):
        return 9
    ends = pc.min_max(pc.if_else(pc.is_finite(values), values, None))
    return max(_CHANGE, *(len(percent(end.as_py())) for end in (ends["min"], ends["max"])))
