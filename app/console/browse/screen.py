"""The Browse screen: every run on disk; of one run its trials, texts and charts."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input, Static

from app import own_faults
from app.console.browse import run_data
from app.console.browse.artifact_view import ArtifactView
from app.console.browse.run_data import RunData, RunReader
from app.console.browse.trial_detail import TrialDetail
from app.console.browse.trial_table import TrialTable
from app.console.shared.banner import Banner
from app.console.shared.chart_pane import ChartPane
from app.console.shared.handing import hand_over
from app.console.shared.run_list import RunList
from app.console.shared.screen import LabScreen
from app.safe import line
from engine import files
from engine.analysis import export, frame
from engine.errors import LesionError
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord

if TYPE_CHECKING:
    from app.console.app import LesionApp

PERIOD = 2.0  # seconds between two looks whether a run has grown
PATIENCE = 10.0  # a run that takes t seconds to read is read again after this many times t at the earliest
SETTLE = 0.12  # seconds the cursor rests on a trial before its texts are read

LOADING = "reading {run}…"
NOTHING = """No trial of this run has finished yet.

  press w to watch the run as it goes, or to start it again
  press esc for the other runs"""


class BrowseScreen(LabScreen):
    """The list of runs, or the run of `browse_run`."""

    MODE = "browse"
    WORDS = (
        ("filter", "words that must all fit: petri-1m attn_only oom; or level>=0.4, seed=43, perplexity=nan"),
        ("change", "signed change from the baseline: the undamaged model, on the same seed where seeds matter"),
        ("nan, inf", "measured as such: a broken model is a result, not an error"),
        ("␛ ‹U+202E›", "a character that would act on the terminal instead of printing"),
        ("dose–response", "a metric over the level of a method; bars: smallest to largest over the seeds"),
        ("layer by layer", "each layer damaged by itself: how far the metric is from the undamaged model's"),
        ("scaling", "a metric of equally damaged models over their size, with the power law fitted to each group"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", key_display="esc", tooltip="out of the filter, the trial, the run"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="show the trials that fit what you type"),
        Binding("c", "charts", "Charts", tooltip="the run's charts, and back to its trials"),
        Binding(
            "x",
            "view",
            "Kind",
            tooltip="chart the next kind that the run has: dose–response, scaling with size, map of layers …",
        ),
        Binding("m", "metric", "Metric", tooltip="chart the next metric"),
        Binding("l", "lines", "Lines", tooltip="a line a group, a model, or an ability where labels tell them apart"),
        Binding("right_square_bracket", "part(1)", "Next", key_display="]", tooltip="chart the next model or method"),
        Binding("left_square_bracket", "part(-1)", "Previous", key_display="[", show=False),
        Binding("full_stop", "level(1)", "Level", key_display=".", tooltip="compare the models at another level"),
        Binding("comma", "level(-1)", "Level", key_display=",", show=False),
        Binding("a", "artifacts", "Artifacts", tooltip="what this trial left beyond numbers: by layer, ranked, …"),
        Binding("e", "export", "CSV", tooltip="write the run's table to trials.csv in its folder"),
        Binding("w", "watch", "Watch", tooltip="this run on the Live screen"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.run: Path | None = None
        self.data: RunData | None = None
        self._reader: RunReader | None = None
        self._reading = False
        self._charted = False
        self._next_look = 0.0
        self._settling: Timer | None = None

    def body(self) -> Iterable[Widget]:
        with ContentSwitcher(initial="runs", id="browse"):
            yield RunList(self._lab.results, id="runs")
            with Vertical(id="run"):
                yield Banner()
                with ContentSwitcher(initial="hint", id="view"):
                    yield Static(id="hint", markup=False)
                    with Vertical(id="trials"):
                        yield Vertical(id="table", classes="pane")
                        yield Input(
                            id="filter", placeholder="words, or level>=0.4  seed=43  perplexity=nan", compact=True
                        )
                        yield TrialDetail(id="detail")
                    yield ChartPane(id="chart")

    def on_mount(self) -> None:
        self.query_one("#filter").display = False
        self.set_interval(PERIOD, self._look)

    async def on_screen_resume(self) -> None:
        if self._lab.open_run is not None and self.run is None:
            await self.browse_run(self._lab.open_run)

    async def browse_run(self, run: Path) -> None:
        """Shows a run's trials; asked again for the same run, it stays as it is and looks for what is new."""
        if run != self.run:
            self.run, self.data, self._reader = run, None, RunReader(run)
            self.query_one(Banner).hide()
            self.query_one("#hint", Static).update(LOADING.format(run=line(run.name)))
            self.query_one("#view", ContentSwitcher).current = "hint"
            self.query_one("#filter", Input).value = ""
            self.query_one("#filter").display = False
            self.remove_class("-zoom")
            await self.query_one("#table").remove_children()
        self.query_one("#browse", ContentSwitcher).current = "run"
        self.place(run.name)
        self._next_look = 0.0
        self._look()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what the part on screen can do."""
        if action in ("view", "metric", "part"):
            return self._shows("chart")
        if action in ("lines", "level"):
            chosen = self.query_one("#chart", ChartPane).chosen if self._shows("chart") else None
            return chosen is not None and (chosen.kind.levels if action == "level" else len(chosen.every_line) > 1)
        if action == "filter":
            return self._shows("trials")
        if action == "artifacts":
            return self._shows("trials") and bool(self.query_one(TrialDetail).artifacts)
        if action in ("charts", "export"):
            return self._shows("trials") or self._shows("chart")
        if action in ("back", "watch"):
            return self.run is not None or (action == "watch" and self.is_mounted and self._listed is not None)
        return True

    async def action_back(self) -> None:
        """One step out: of the filter, of the trial shown alone, of the charts, of the run."""
        filtering = self.query_one("#filter", Input)
        if filtering.has_focus:
            self._table_focus()
        elif filtering.display:
            filtering.value, filtering.display = "", False
            self._table_focus()
        elif self.has_class("-zoom"):
            self.remove_class("-zoom")
            self._table_focus()
        elif self._shows("chart"):
            self.action_charts()
        else:
            self.run, self.data, self._reader, self._lab.open_run = None, None, None, None
            self.query_one("#browse", ContentSwitcher).current = "runs"
            self.query_one(RunList).take_focus()
            self.place("")
        self.refresh_bindings()

    def action_filter(self) -> None:
        """Opens the line to type a filter in."""
        filtering = self.query_one("#filter", Input)
        filtering.display = True
        filtering.focus()

    def action_charts(self) -> None:
        """Charts instead of trials, and back."""
        charts = not self._shows("chart")
        self.query_one("#view", ContentSwitcher).current = "chart" if charts else "trials"
        if charts:
            self._chart()
            self.query_one("#chart").focus()
        else:
            self._table_focus()
        self.refresh_bindings()

    def action_view(self) -> None:
        """The next kind of chart."""
        self.query_one("#chart", ChartPane).next_view()
        self.refresh_bindings()

    def action_metric(self) -> None:
        """Charts the next metric."""
        self.query_one("#chart", ChartPane).next_metric()

    def action_lines(self) -> None:
        """A line a group, a model, or an ability."""
        self.query_one("#chart", ChartPane).next_lines()

    def action_part(self, by: int) -> None:
        """Charts another model or group."""
        self.query_one("#chart", ChartPane).next_part(by)

    def action_level(self, by: int) -> None:
        """Compares the models at another level."""
        self.query_one("#chart", ChartPane).next_level(by)

    def action_artifacts(self) -> None:
        """Shows what the trial left in files."""
        if self.run is not None:
            self.app.push_screen(ArtifactView(self.run, self.query_one(TrialDetail).artifacts))

    def action_export(self) -> None:
        """Writes the run's table as CSV."""
        if self.run is not None:
            self._export(self.run)

    async def action_watch(self) -> None:
        """Shows the run on the Live screen."""
        run = self.run or self._listed
        if run is not None:
            await self._lab.watch_run(run)

    @on(RunList.Chosen)
    async def _chosen(self, event: RunList.Chosen) -> None:
        self._lab.open_run = event.run
        await self.browse_run(event.run)

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        for table in self.query(TrialTable):
            table.narrow(event.value)
            self._count(table)

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self._table_focus()

    @on(TrialTable.Marked)
    def _marked(self, event: TrialTable.Marked) -> None:
        if self.data is None:
            return
        record = None if event.row is None else self.data.record(event.row)
        if record is not None and self.query_one(TrialDetail).trial is record:
            return
        baseline = None if event.row is None else self.data.baseline(event.row)
        self.query_one(TrialDetail).show(record, baseline)
        self.refresh_bindings()
        if self._settling is not None:
            self._settling.stop()
        if record is not None:
            data = self.data
            self._settling = self.set_timer(SETTLE, lambda: self._read_texts(data, record, baseline))

    @on(TrialTable.RowSelected)
    def _alone(self) -> None:
        """Enter on a trial: its detail takes the whole screen."""
        self.add_class("-zoom")
        self.query_one("#texts").focus()

    # A worker without a description is described by its arguments: writing out a long run takes seconds.
    @work(thread=True, exclusive=True, group="texts", exit_on_error=False, description="browse read_texts")
    def _read_texts(self, data: RunData, record: TrialRecord, baseline: TrialRecord | None) -> None:
        """Reads a trial's texts and its baseline's, away from the cursor."""
        note = ""
        texts: list[TextRecord] = []
        undamaged: list[TextRecord] = []
        try:
            texts = run_data.read_texts(data, record.trial)
            undamaged = run_data.read_texts(data, baseline.trial) if baseline else []
        except OSError as error:
            note = f"{data.run / 'generations.jsonl'} cannot be read: {error.strerror}"
        hand_over(self, self._show_texts, record, texts, undamaged, note)

    def _show_texts(self, record: TrialRecord, texts: list[TextRecord], undamaged: list[TextRecord], note: str) -> None:
        detail = self.query_one(TrialDetail)
        if detail.trial is record:
            detail.show_texts(texts, undamaged, note)

    @work(thread=True, exit_on_error=False, description="browse export")
    def _export(self, run: Path) -> None:
        """Into the run's folder, or into the current one where that cannot be written."""
        said: Exception | str = ""
        for path in (run / "trials.csv", Path.cwd() / f"{run.name}.csv"):
            try:
                content = BytesIO()
                count = export(run, "csv", content)
                files.replace(path, content.getvalue(), shared=True)
                said = f"Wrote {count} trials to {path}"
                break
            except OSError as error:
                said = LesionError(f"{path} cannot be written: {error.strerror}")
            except LesionError as error:
                said = error
            except Exception as error:
                said = LesionError(own_faults.report(error))
        tell = self._lab.say if isinstance(said, str) else self._lab.report
        hand_over(self, tell, said)

    def _look(self) -> None:
        """Reads the run when its files have grown and the last reading is long enough ago."""
        run, reader = self.run, self._reader
        if run is None or reader is None or self._reading or not self.is_current or time.monotonic() < self._next_look:
            return
        if self.data is None or run_data.sizes(run) != self.data.stamp:
            self._reading = True
            self._read(run, reader)

    @work(thread=True, exit_on_error=False, description="browse read")
    def _read(self, run: Path, reader: RunReader) -> None:
        began = time.monotonic()
        data, fault, patience = None, "", PATIENCE
        try:
            data = reader.read()
        except (LesionError, OSError) as error:
            fault = str(error)
        except Exception as error:  # not to be tried every other second
            fault, patience = own_faults.report(error), math.inf
        self._next_look = time.monotonic() + patience * (time.monotonic() - began)
        hand_over(self, self._show, run, data, fault)

    async def _show(self, run: Path, data: RunData | None, fault: str) -> None:
        self._reading = False
        if run != self.run or not self.is_mounted:
            self._look()
            return
        if data is None:
            self.query_one(Banner).tell("error", line(fault))
            return
        self.data = data
        if data.faults:
            more = f" (and {len(data.faults) - 1} more like it)" if len(data.faults) > 1 else ""
            self.query_one(Banner).tell("warning", f"! {line(data.faults[0])}{more}. All other trials are shown.")
        if not data.table.num_rows:
            self.query_one("#hint", Static).update(NOTHING)
            return
        await self._show_trials(data)
        self._charted = False
        self._chart()

    async def _show_trials(self, data: RunData) -> None:
        tables = list(self.query(TrialTable))
        if tables:
            tables[0].replace(data)
        else:
            table = TrialTable(data)
            await self.query_one("#table").mount(table)
            self.query_one("#view", ContentSwitcher).current = "trials"
            table.focus()
            self.refresh_bindings()
        self._count(self.query_one(TrialTable))

    def _chart(self) -> None:
        """Computes the charts of the latest reading once they are looked at."""
        if self.data is not None and not self._charted and self._shows("chart"):
            self._charted = True
            trials = self.data.tidied.table
            self.query_one("#chart", ChartPane).load(lambda: frame(trials))

    def _count(self, table: TrialTable) -> None:
        pane, total = self.query_one("#table"), self.data.table.num_rows if self.data else 0
        pane.border_title = "trials"
        fitting = f"{table.row_count:,} of {total:,} fit" if table.filter.strip() else f"{total:,}"
        pane.border_subtitle = fitting

    def _table_focus(self) -> None:
        for table in self.query(TrialTable):
            table.focus()

    def _shows(self, view: str) -> bool:
        if not self.is_mounted or self.run is None:
            return False
        return self.query_one("#view", ContentSwitcher).current == view

    @property
    def _listed(self) -> Path | None:
        """The run under the list's cursor."""
        return self.query_one(RunList).selected

    @property
    def _lab(self) -> LesionApp:
        return cast("LesionApp", self.app)
