"""What the console says of time, order, colour and names is so."""

import math
import random
from pathlib import Path

import pyarrow as pa
import pytest

from app.charts.dose import Panel, _told_apart
from app.console.app import LesionApp
from app.console.browse.trial_detail import _verdict
from app.console.browse.trial_table import _width
from app.console.live.live_state import LiveState
from app.console.live.memory_graph import MemoryGraph
from app.console.live.pace import left
from app.console.live.screen import LiveScreen
from app.words import percent
from engine.analysis.curves import Curve
from engine.catalog.columns import CHANGE
from engine.record.events import StateEvent, WorkerEvent
from engine.record.trials import TrialRecord
from tests.console.journals import begun, make, record, write
from tests.console.shell import DEMO, field_texts, settled, shown, until


def test_the_time_left_counts_no_start_up_and_holds_what_it_promises() -> None:
    """Against runs drawn at random: 95 of 100 end within the range; a long wait for the first trial changes nothing."""
    draws = random.Random(7)
    held = 0
    for _ in range(400):
        gaps = [draws.gauss(10.0, 2.0) for _ in range(60)]
        ends = [1000.0 + sum(gaps[:number]) for number in range(61)]
        low, high = left(ends[:21], 40, ends[20]) or (math.nan, math.nan)
        held += low <= ends[60] - ends[20] <= high
    assert 0.9 < held / 400 < 0.99
    assert left([1000.0, 1010.0], 5, 1010.0) is None
    assert left([1000.0, 1010.0, 1020.0], 5, 1020.0) == (50.0, 50.0)
    assert left([1000.0, 1010.0, 1020.0], 5, 1024.0) == (46.0, 46.0)
    assert left([1000.0, 1010.0, 1020.0], 0, 9999.0) == (0.0, 0.0)


def test_the_times_in_the_log_never_go_back(tmp_path: Path) -> None:
    _, planned = make(tmp_path)
    seen = LiveState()
    told = seen.take([], [StateEvent(t=2e9, state="running"), WorkerEvent(t=2e9 - 5, state="ready", device="cpu")])
    told += seen.take([TrialRecord.decode(record(planned[0]))], [])  # ended long before
    told += seen.take([], [StateEvent(t=2e9 + 1, state="done")])
    assert [entry.time for entry in told] == [2e9 - 5, 2e9, 2e9, 2e9 + 1]


async def test_a_runner_that_died_is_in_the_log_and_only_a_run_with_trials_left_is_offered_to_go_on(
    tmp_path: Path,
) -> None:
    run, planned = make(tmp_path)
    write(run, "events.jsonl", [begun(planned)])
    app = LesionApp(tmp_path, tmp_path / "profiles", run)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LiveScreen) and "crashed" in shown(pilot, "#log"))
        assert "ended without a word" in " ".join(shown(pilot, "#log").split())
        await pilot.press("d")
        await until(pilot, lambda: "! crashed" in shown(pilot, "#runs"))
        await until(pilot, lambda: app.screen.check_action("resume", ()))
        write(run, "trials.jsonl", [record(trial) for trial in planned])
        write(run, "events.jsonl", [{"t": 9e8, "event": "state", "state": "done"}])
        await until(pilot, lambda: "✓ done" in shown(pilot, "#runs"))
        await until(pilot, lambda: not app.screen.check_action("resume", ()))


@pytest.mark.parametrize("values", [[1.5, -2e7, math.nan], [523_493.0, 0.0], [1e200, math.inf], [None, None]])
def test_a_column_of_changes_has_room_for_each(values: list[float | None]) -> None:
    column = pa.chunked_array([pa.array(values, pa.float64())])
    assert _width("x" + CHANGE, column) >= max(len(percent(value)) for value in values)


def test_time_is_no_harm() -> None:
    assert _verdict("perplexity", 3.0) == "error"
    assert _verdict("seconds_per_text", 3.0) == "muted"
    assert _verdict("perplexity", None) == "muted"


def test_a_curve_that_lies_on_another_is_said_to() -> None:
    ones = (1, 1)
    means = ((1.0, 2.0), (1.0, 2.0), (1.0, 3.0))
    made = tuple(
        Curve("m", "skip", group, (0.0, 1.0), mean, mean, mean, ones, (0, 0), (0, 0), 1.0)
        for group, mean in zip("abc", means, strict=True)
    )
    panel = Panel("skip · m", "skip", made, ("a", "b", "c"))
    assert [_told_apart(panel, place) for place in range(3)] == ["a", "b (same as a)", "c"]


async def test_profiles_of_one_name_are_told_apart_by_their_files(tmp_path: Path) -> None:
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    (profiles / "demo.toml").write_text(DEMO)
    (profiles / "other.toml").write_text(DEMO)
    app = LesionApp(tmp_path / "results", profiles)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: field_texts(pilot))
        assert "demo other.toml" in shown(pilot, "#profiles")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_workers_memory_is_shown_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    run, planned = make(tmp_path)
    device = {"name": "cpu", "used": 1.2e10, "total": 3.1e10, "worker": 2.345e9}
    write(run, "events.jsonl", [begun(planned), {"t": 2.0, "event": "memory", "devices": [device]}])
    app = LesionApp(tmp_path, tmp_path / "profiles", run)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LiveScreen) and "worker" in shown(pilot, "#memory"))
        await settled()
        assert "worker 2.3 GB" in shown(pilot, "#memory")
        assert "…" not in shown(pilot, "#memory")
        assert app.screen.query_one(MemoryGraph).devices
