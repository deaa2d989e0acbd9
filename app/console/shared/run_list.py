"""The runs in a results folder, newest first: state, name, progress, models and age."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import DataTable, Static

from app.console.shared.figures import state_text
from app.console.shared.handing import hand_over
from app.safe import line
from app.words import duration
from engine.analysis.names import short_names
from engine.errors import LesionError

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from engine.runs import RunSummary

_MODELS = 40  # cells of the models' names
PERIOD = 2.0  # seconds between two looks at the folder

EMPTY = """No runs yet in {results}

A run is one execution of a profile. To make a first one:
  press 1, pick a profile such as demo, and start it there
  or, in a shell:  lesion run demo
It appears here by itself."""


class RunTable(DataTable[Text]):
    """The table of runs, with its keys in the footer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "Open", tooltip="show this run"),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("g", "scroll_top", "Top", show=False),
        Binding("G", "scroll_bottom", "Foot", show=False),
    ]


class RunList(Vertical):
    """A table of the runs in a folder that keeps itself current while it is shown."""

    class Chosen(Message):
        """Enter on a run."""

        def __init__(self, run: Path) -> None:
            super().__init__()
            self.run = run

    def __init__(self, results: Path, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._results = results
        self._runs: list[RunSummary] = []
        self._reading = False

    def compose(self) -> ComposeResult:
        yield Static("reading the results folder…", classes="hint", markup=False)
        table = RunTable(cursor_type="row", classes="pane")
        table.border_title = "runs"
        yield table
        yield Static("", classes="fault", markup=False)

    def on_mount(self) -> None:
        table = self._table
        for label in ("state", "run", "trials", "failed", "time", "models"):
            table.add_column(label, key=label)
        table.display = False
        self.set_interval(PERIOD, self._again)
        self.look()

    @property
    def summary(self) -> RunSummary | None:
        """What is known of the run under the cursor."""
        row = self._table.cursor_row
        return self._runs[row] if 0 <= row < len(self._runs) else None

    @property
    def selected(self) -> Path | None:
        """The run under the cursor."""
        return self.summary.path if self.summary else None

    def take_focus(self) -> None:
        """Puts the cursor in the list, and brings the list up to date."""
        self._table.focus()
        self.look()

    def look(self) -> None:
        """Reads the folder again, unless a reading is under way."""
        if not self._reading:
            self._reading = True
            self._read()

    def _again(self) -> None:
        if self.is_on_screen and self.screen.is_current:
            self.look()

    @property
    def _table(self) -> RunTable:
        return self.query_one(RunTable)

    @work(thread=True, exit_on_error=False, description="run_list read")
    def _read(self) -> None:
        from engine import runs

        try:
            listed: list[RunSummary] | str = runs.summaries(self._results)
        except (LesionError, OSError) as error:
            listed = str(error)
        hand_over(self, self._show, listed)

    def _show(self, listed: list[RunSummary] | str) -> None:
        self._reading = False
        hint, table = self.query_one(".hint", Static), self._table
        runs = [] if isinstance(listed, str) else listed
        hint.update(line(listed) if isinstance(listed, str) else EMPTY.format(results=line(self._results)))
        had_focus = table.has_focus
        hint.display, table.display = not runs, bool(runs)
        self._fill(table, runs)
        if runs and not had_focus and self.screen.focused is None:
            table.focus()

    def _fill(self, table: RunTable, runs: list[RunSummary]) -> None:
        """Changes cells in place while the runs are the same; rebuilds, keeping the cursor on its run, otherwise."""
        rows = [self._row(run) for run in runs]
        if [run.path for run in runs] == [run.path for run in self._runs]:
            for run, row in zip(runs, rows, strict=True):
                for column, cell in zip(table.columns, row, strict=True):
                    if table.get_cell(str(run.path), column) != cell:
                        table.update_cell(str(run.path), column, cell, update_width=True)
        else:
            kept = self.selected
            table.clear()
            for run, row in zip(runs, rows, strict=True):
                table.add_row(*row, key=str(run.path))
            paths = [run.path for run in runs]
            table.move_cursor(row=paths.index(kept) if kept in paths else 0)
        self._runs = runs
        self._explain()
        table.border_subtitle = Content(f"{len(runs)} in {line(self._results)}")

    def _row(self, run: RunSummary) -> list[Text]:
        lost = run.failed + run.oom
        return [
            state_text(run.state_word),
            Text(line(run.path.name)),
            Text(f"{run.done}/{run.total}", justify="right"),
            Text(str(lost) if lost else "·", style="error" if lost else "muted", justify="right"),
            Text(duration(run.seconds), justify="right"),
            _cut(", ".join(short_names(run.models).values()), "muted"),
        ]

    def on_data_table_row_highlighted(self) -> None:
        self._explain()

    def _explain(self) -> None:
        """Says what is wrong with the run under the cursor, if anything is; which keys there are depends on it too."""
        fault = self.query_one(".fault", Static)
        told = self.summary.fault if self.summary else ""
        fault.display = bool(told)
        fault.update(f"! {line(told)}")
        self.screen.refresh_bindings()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        if event.row_key.value is not None:
            self.post_message(self.Chosen(Path(event.row_key.value)))


def _cut(text: str, style: str) -> Text:
    """As much of a text as a column of the list has room for, with a sign where that is not all."""
    shown = Text(line(text), style=style)
    shown.truncate(_MODELS, overflow="ellipsis")
    return shown
