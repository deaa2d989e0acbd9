"""The Live screen: one run as it goes, read from its directory; stop it, leave it, come back to it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from app import own_faults
from app.console.live.event_log import EventLog
from app.console.live.live_state import LiveState
from app.console.live.memory_graph import MemoryGraph
from app.console.live.progress_pane import ProgressPane
from app.console.shared.ask import Ask, ask_to_trust
from app.console.shared.banner import Banner
from app.console.shared.chart_pane import ChartPane, nothing
from app.console.shared.handing import hand_over
from app.console.shared.run_list import RunList
from app.console.shared.screen import LabScreen
from app.safe import line
from engine import runs
from engine.analysis import tidy
from engine.errors import LesionError, RemoteCodeError
from engine.record.growing_table import GrowingTable
from engine.runs.status import ENDED

if TYPE_CHECKING:
    import pandas as pd

    from app.console.app import LesionApp
    from engine.profile import Trial

PERIOD = 0.5  # seconds between two looks at the run
CHART_PERIOD = 4  # looks between two redrawings of the chart while trials come in
PATIENCE = 10.0  # a chart that takes t seconds is drawn again after this many times t at the earliest
ZOOMS = ("", "-zoom-chart", "-zoom-log")


class LiveScreen(LabScreen):
    """Shows the run of `watch_run`; without one, the runs to choose from."""

    MODE = "live"
    WORDS = (
        ("running", "a runner process is at work on the run, with or without this console"),
        ("stopped", "ended on request; r runs the trials that are left"),
        ("crashed", "the runner is gone without a word; no finished trial is lost, r goes on"),
        ("oom", "the trial did not fit in memory even one text at a time; the run went on"),
        ("memory", "all that is used on the device; the part in the accent colour is the worker's own"),
        ("bars in the chart", "smallest to largest over the seeds; × marks a value that is nan or inf"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "stop", "Stop", tooltip="stop when the trial at work is done"),
        Binding("S", "stop_now", "Stop now", key_display="S", tooltip="stop at once; the trial at work is lost"),
        Binding("d", "detach", "Detach", tooltip="leave the run to itself and show the list of runs"),
        Binding("r", "resume", "Resume", tooltip="run the trials that a stopped or crashed run has left"),
        Binding("m", "metric", "Metric", tooltip="chart the next metric"),
        Binding(
            "x",
            "view",
            "Kind",
            tooltip="chart the next kind that the run has: dose–response, scaling with size, map of layers …",
        ),
        Binding("l", "lines", "Lines", tooltip="a line a group, a model, or an ability where labels tell them apart"),
        Binding("right_square_bracket", "part(1)", "Next", key_display="]", tooltip="chart the next model or group"),
        Binding("left_square_bracket", "part(-1)", "Previous", key_display="[", show=False),
        Binding("z", "zoom", "Zoom", tooltip="the chart or the log alone, and back"),
        Binding("b", "browse", "Browse", tooltip="this run's trials, texts and charts"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.run: Path | None = None
        self.live = LiveState()
        self.status: runs.RunStatus | None = None
        self._watch: runs.Watch | None = None
        self._named: runs.Watch | None = None  # the one whose run's profile was read, once
        self._table: GrowingTable | None = None
        self._polling = False
        self._starting = False
        self._looks = 0
        self._next_chart = 0.0
        self._charted = 0

    def body(self) -> Iterable[Widget]:
        with ContentSwitcher(initial="runs", id="live"):
            yield RunList(self._lab.results, id="runs")
            with Vertical(id="watching"):
                yield Banner()
                with Container(id="top"):
                    yield ProgressPane(id="progress")
                    yield MemoryGraph(id="memory")
                with Container(id="below"):
                    yield ChartPane(id="chart")
                    yield EventLog(id="log")

    def on_mount(self) -> None:
        self.query_one("#memory").add_class("pane").border_title = "memory"
        self.query_one("#progress").border_title = "progress"
        self.set_interval(PERIOD, self._look)

    async def on_screen_resume(self) -> None:
        if self._lab.open_run is not None and self.run is None:
            await self.watch_run(self._lab.open_run)

    async def watch_run(self, run: Path) -> None:
        """Shows a run from its first event on; asked again for the same run, it stays as it is."""
        if run != self.run:
            self.run, self.status, self.live = run, None, LiveState()
            self._watch, self._charted = runs.Watch(run), 0
            self.query_one(MemoryGraph).clear()
            self.query_one(EventLog).clear_all()
            self.query_one(ProgressPane).show(None, self.live)
            self._table = GrowingTable(run)
            self.query_one(ChartPane).load(nothing)
            self.query_one(Banner).hide()
        self.query_one("#live", ContentSwitcher).current = "watching"
        self.place(run.name)
        self.query_one(EventLog).focus()
        self.refresh_bindings()
        self._look()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense now: no stopping of a run that ended, no resuming of one at work or complete."""
        state = self.status.state if self.status and self.run else None
        if action in ("stop", "stop_now"):
            return state == "running" or (state == "stopping" and action == "stop_now")
        if action == "resume":
            short = state == "done" and self.status is not None and self.status.done < self.status.total
            return state in ("stopped", "crashed", "failed") or short or (self.run is None and self._can_go_on)
        if action in ("detach", "view", "metric", "lines", "part", "zoom", "browse"):
            return self.run is not None
        return True

    def action_stop(self) -> None:
        """Asks the runner to end after the trial at work."""
        self._stop(now=False)

    def action_stop_now(self) -> None:
        """Ends the run at once, when the user is sure."""
        question = "The trial at work is thrown away; resuming runs it again. Every finished trial is kept."

        def answered(sure: bool | None) -> None:
            if sure:
                self._stop(now=True)

        self.app.push_screen(Ask("Stop now", question, "Stop now", "Go on"), answered)

    def action_detach(self) -> None:
        """Leaves the run to itself and shows the list."""
        run, live = self.run, self.status is not None and self.status.state not in ENDED
        if run is None:
            return
        self.run, self._watch, self.status, self._lab.open_run = None, None, None, None
        self.query_one("#live", ContentSwitcher).current = "runs"
        self.query_one(RunList).take_focus()
        self.place("")
        self.refresh_bindings()
        if live:
            self._lab.say(f"{run.name} goes on without you. Come back: enter on it here, or  lesion attach {run.name}")

    def action_resume(self) -> None:
        """Starts a runner on what the run has left."""
        run = self.run or self._listed
        if run is None or self._starting:
            return
        if _trusted_before(run):  # perhaps by somebody else
            self._ask_to_trust(run, f"{run.name} was allowed to run program code of its models or tasks")
        else:
            self._again(run, trust=False)

    def _again(self, run: Path, *, trust: bool) -> None:
        self._starting = True
        self._lab.say(f"Starting {run.name} again…")
        self._start(run, trust)

    def _ask_to_trust(self, run: Path, reason: str) -> None:
        def answered(sure: bool | None) -> None:
            if sure:
                self._again(run, trust=True)

        self.app.push_screen(ask_to_trust(reason), answered)

    def action_metric(self) -> None:
        """Charts the next metric."""
        self.query_one(ChartPane).next_metric()

    def action_view(self) -> None:
        """The next kind of chart."""
        self.query_one(ChartPane).next_view()

    def action_lines(self) -> None:
        """A line a group, a model, or an ability."""
        self.query_one(ChartPane).next_lines()

    def action_part(self, by: int) -> None:
        """Charts another model or group."""
        self.query_one(ChartPane).next_part(by)

    def action_zoom(self) -> None:
        """Gives the room to the chart, then to the log, then to all again."""
        shown = next((zoom for zoom in ZOOMS if zoom and self.has_class(zoom)), "")
        following = ZOOMS[(ZOOMS.index(shown) + 1) % len(ZOOMS)]
        self.remove_class(*filter(None, ZOOMS)).set_class(bool(following), following or ZOOMS[1])

    async def action_browse(self) -> None:
        """Reads the run on the Browse screen."""
        if self.run is not None:
            await self._lab.browse_run(self.run)

    @on(RunList.Chosen)
    async def _chosen(self, event: RunList.Chosen) -> None:
        self._lab.open_run = event.run
        await self.watch_run(event.run)

    def _stop(self, *, now: bool) -> None:
        if self.run is None:
            return
        try:
            runs.stop(self.run, now=now)
        except (LesionError, OSError) as error:
            self._lab.report(error)
        else:
            self._lab.say("Stopping now." if now else "Stopping when the trial at work is done; S stops at once.")

    @work(thread=True, exit_on_error=False, description="live start")
    def _start(self, run: Path, trust: bool) -> None:
        """Waits for the runner in a thread: it may take seconds to begin."""
        fault: Exception | None = None
        try:
            runs.start(run, trust_remote_code=trust)
        except (LesionError, OSError) as error:
            fault = error
        hand_over(self, self._began, run, fault)

    def _began(self, run: Path, fault: Exception | None) -> None:
        self._starting = False
        if isinstance(fault, RemoteCodeError):
            self._ask_to_trust(run, str(fault))
        elif fault is not None:
            self._lab.report(fault)
        elif self.run is None or self.run == run:
            self._lab.open_run = run
            self.call_later(self.watch_run, run)

    def _look(self) -> None:
        if self._watch is not None and not self._polling:
            self._polling = True
            self._poll(self._watch, named=self._named is self._watch)

    @work(thread=True, exit_on_error=False, description="live poll")
    def _poll(self, watch: runs.Watch, named: bool) -> None:
        """Reads what is new, away from the screen: the first look at a long run, or a slow disk, takes its time."""
        names: dict[str, Trial] = {}
        update: runs.Update | None = None
        fault, broken = "", False
        try:
            if not named:
                names = _names(watch.run)
            update = watch.poll()
        except (LesionError, OSError) as error:
            fault = str(error)
        except Exception as error:
            fault, broken = own_faults.report(error), True
        hand_over(self, self._take, watch, names, update, fault, broken)

    def _take(
        self, watch: runs.Watch, names: dict[str, Trial], update: runs.Update | None, fault: str, broken: bool
    ) -> None:
        """`broken`: by a fault of ours, so that there is no use in looking again."""
        self._polling = False
        if watch is not self._watch or not self.is_mounted:
            return
        self._watch = None if broken else watch
        self._named, self.live.names = watch, self.live.names or names
        if update is not None:
            self._show(update)
        if fault:
            self.query_one(Banner).tell("error", f"This run cannot be read on: {line(fault)}")

    def _show(self, update: runs.Update) -> None:
        before, self.status = self.status, update.status
        told = self.live.take(update.trials, update.events)
        if self.status.state == "crashed" and (before is None or before.state != "crashed"):
            told.append(self.live.died(self.status.text))
        self.query_one(EventLog).add(told)
        self.query_one(ProgressPane).show(self.status, self.live)
        memory = self.query_one(MemoryGraph)
        for event in self.live.memory:
            memory.add(event)
        self.live.memory.clear()
        memory.refresh()
        self._chart()
        if before is None or (before.state, before.fault) != (self.status.state, self.status.fault):
            self.query_one(Banner).ended(self.status, self.run)
            self.refresh_bindings()

    def _chart(self) -> None:
        """Draws the chart again when trials came in: at once for the first ones, then every few looks."""
        self._looks += 1
        rested = time.monotonic() > self._next_chart
        due = (self._looks % CHART_PERIOD == 0 and rested) or not self._charted
        due = due or (self.status is not None and self.status.state in ENDED)
        if self.live.trials > self._charted and due and self.run is not None and self._table is not None:
            self._charted, name, trials = self.live.trials, self.run.name, self._table
            pane = self.query_one(ChartPane)
            self._next_chart = time.monotonic() + PATIENCE * pane.seconds
            pane.load(lambda: _table(name, trials))

    @property
    def _can_go_on(self) -> bool:
        """Whether the run under the list's cursor has trials left that no runner is at work on."""
        summary = self.query_one(RunList).summary if self.is_mounted else None
        return summary is not None and summary.state in ENDED and summary.done < summary.total

    @property
    def _listed(self) -> Path | None:
        """The run under the list's cursor."""
        return self.query_one(RunList).selected

    @property
    def _lab(self) -> LesionApp:
        return cast("LesionApp", self.app)


def _table(name: str, trials: GrowingTable) -> pd.DataFrame:
    """The table of a run's trials up to now, of which only the new ones are read."""
    from engine.analysis import frame

    trials.look()
    return frame(tidy(name, trials.table).table)


def _names(run: Path) -> dict[str, Trial]:
    """The trials of the run's profile by key; empty where the profile cannot be read here, as on another host."""
    from engine.profile import grid
    from engine.record.seeking import Seeker
    from engine.runs import manifest

    try:
        known, searches = grid(runs.read_profile(run), run, manifest.earlier(run))
        sought = Seeker(searches, runs.read_trials(run) if searches else ()).trials()
        return {key: trial for trial in (*known, *sought) for key in trial.keys}
    except (LesionError, OSError):
        return {}


def _trusted_before(run: Path) -> bool:
    """Whether program code of its models or tasks was allowed to run when the run was last started."""
    try:
        return runs.read_manifest(run).get("trust_remote_code") is True
    except LesionError:
        return False
