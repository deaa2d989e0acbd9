"""The Live screen with real keys: a real run stopped, left, come back to and resumed; and runs as their files tell."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.console.app import LesionApp
from app.console.live.live_state import LiveState
from app.console.live.screen import LiveScreen
from app.console.shared.chart_pane import Plot
from engine import profile, runs
from engine.record.events import StateEvent, TrialEvent, WorkerEvent
from engine.record.trials import TrialRecord
from tests.console.journals import begun, finish, make, record, write
from tests.console.shell import SIZES, shown, until

LONG = """
name = "long"
[model]
names = ["petri-16k"]
dtype = "float32"
device = "cpu"
[[damage]]
method = "mult_gauss"
groups = ["attn_only"]
levels = { from = 0.0, to = 1.0, steps = 100 }
[seeds]
count = 100
[[measure]]
name = "perplexity"
documents = 2
[run]
threads = 1
"""


def lab(results: Path, run: Path | None = None) -> LesionApp:
    return LesionApp(results, results / "profiles", run)


def live(pilot: Pilot[None]) -> LiveScreen:
    assert isinstance(pilot.app.screen, LiveScreen)
    return pilot.app.screen


def state(pilot: Pilot[None]) -> str:
    status = live(pilot).status
    return status.state if status else ""


async def test_leave_come_back_stop_and_resume_a_real_run(tmp_path: Path) -> None:
    source = tmp_path / "long.toml"
    source.write_text(LONG)
    run = runs.create(profile.load(source), tmp_path / "results", source=source)
    runs.start(run)
    app = lab(run.parent, run)
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, LiveScreen) and live(pilot).live.trials > 2)
            assert "● running" in shown(pilot, "#progress")
            await until(pilot, lambda: " left (ends " in shown(pilot, "#progress"))
            await until(pilot, lambda: "GB" in shown(pilot, "#memory"))
            await until(pilot, lambda: app.screen.query_one(Plot).drawing.chart)
            await pilot.press("d")
            await until(pilot, lambda: "● running" in shown(pilot, "#runs"))
            assert any(f"lesion attach {run.name}" in note.message for note in app._notifications)
            await pilot.press("enter")
            await until(pilot, lambda: state(pilot) == "running")
            await pilot.press("s")
            await until(pilot, lambda: state(pilot) == "stopped")
            await until(pilot, lambda: "■ stopped" in shown(pilot, "Banner"))
            before = runs.status(run).done
            assert 2 < before < 10_001
            await pilot.press("r")
            await until(pilot, lambda: state(pilot) == "running" and runs.status(run).done > before)
            await pilot.press("S", "y")
            await until(pilot, lambda: state(pilot) == "stopped")
    finally:
        if runs.status(run).state in ("running", "stopping"):
            runs.stop(run, now=True)


@pytest.mark.parametrize("size", SIZES)
async def test_a_finished_run_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    run, planned = make(tmp_path)
    finish(run, planned)
    app = lab(tmp_path, run)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LiveScreen) and "✓ done" in shown(pilot, "Banner"))
        assert "100%" in shown(pilot, "#progress")
        await until(pilot, lambda: app.screen.query_one(Plot).drawing.chart)
        assert "dose–response · perplexity" in shown(pilot, "#chart")
        assert "petri-60k · mult_gauss σ 1" in shown(pilot, "#log")
        await pilot.press("m")
        await until(pilot, lambda: "token_accuracy" in shown(pilot, "#chart"))
        await pilot.press("z", "z")
        assert app.screen.query_one("#log").region.height > size[1] // 2
        await pilot.press("b")
        await until(pilot, lambda: app.screen.query("TrialTable"))


async def test_a_failure_says_why_and_what_to_do(tmp_path: Path) -> None:
    run, planned = make(tmp_path)
    write(run, "events.jsonl", [begun(planned)])
    lost = {"status": "oom", "metrics": {}, "error": "\x1b[31m no room [/] left"}
    write(run, "trials.jsonl", [record(planned[0]), record(planned[1], **lost)])
    killed = WorkerEvent(t=2.0, state="lost", device="cpu", text="signal 9")
    failed = StateEvent(t=3.0, state="failed", text="no space [/left] on disk")
    write(run, "events.jsonl", [killed.encode(), failed.encode()])
    app = lab(tmp_path, run)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LiveScreen) and "✗ failed" in shown(pilot, "Banner"))
        banner = " ".join(shown(pilot, "Banner").split())
        assert "no space [/left] on disk" in banner
        assert "r goes on" in banner
        log = " ".join(shown(pilot, "#log").split())
        assert "worker lost on cpu: signal 9" in log
        assert "␛[31m no room [/] left" in log


async def test_a_crashed_run_and_damaged_events_do_not_break_the_screen(tmp_path: Path) -> None:
    run, planned = make(tmp_path)
    write(run, "events.jsonl", [{"t": 1.0, "event": "started", "total": len(planned), "done": 0}, {"event": "trial"}])
    with (run / "events.jsonl").open("ab") as file:
        file.write(b'not json\n{"event":"memory","t":2}\n{"torn":')
    app = lab(tmp_path, run)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LiveScreen) and "crashed" in shown(pilot, "Banner"))
        await pilot.press("l", "right_square_bracket", "z", "d")
        await until(pilot, lambda: "! crashed" in shown(pilot, "#runs"))


def test_the_trial_at_work_is_named_until_it_ends(tmp_path: Path) -> None:
    _, planned = make(tmp_path)
    trial = planned[-1]
    seen = LiveState(names={trial.key: trial})
    seen.take([], [TrialEvent(t=1.0, trial=trial.key, phase="progress", what="perplexity 3/9")])
    assert seen.now_words() == "petri-60k · mult_gauss σ 1 · mlp_only · seed 43"
    assert seen.what == "perplexity 3/9"
    entries = seen.take([TrialRecord.decode(record(trial))], [])
    assert seen.now_words() == ""
    assert "perplexity 40" in entries[0].text


async def test_lines_that_lesion_did_not_write_are_told_and_passed_over(tmp_path: Path) -> None:
    run, planned = make(tmp_path)
    finish(run, planned[:-2])
    write(run, "trials.jsonl", [record(planned[-2]) | {"level": "much"}, record(planned[-1]) | {"seconds": "long"}])
    write(run, "events.jsonl", [{"event": "worker", "t": "soon"}, {"event": "memory", "t": 1.0, "devices": 3}])
    app = lab(tmp_path, run)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LiveScreen) and "✓ done" in shown(pilot, "Banner"))
        banner = " ".join(shown(pilot, "Banner").split())
        assert "events.jsonl has a line that is an event 'worker' without a usable 't'; all else is shown." in banner
        await until(pilot, lambda: app.screen.query_one(Plot).drawing.chart)
        assert isinstance(app.screen, LiveScreen)
        assert app.screen.live.trials == len(planned) - 2
        await pilot.press("d")
        await until(pilot, lambda: "no usable 'level'" in shown(pilot, "#runs"))
        assert "! damaged" in shown(pilot, "#runs")
