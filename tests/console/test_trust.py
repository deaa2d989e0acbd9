"""Program code that comes with a model or a task runs from the console after a yes, and not again without another."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.console.app import LesionApp
from app.console.shared.ask import Ask
from engine.runs import read_manifest, status, stop
from tests.console.shell import DEMO, folders, opened, shown, until
from tests.own_code import save_own

TASKS = """
[[measure]]
name = "lm_eval"
tasks = ["own"]
include_path = "own"
"""


def asked(pilot: Pilot[None]) -> bool:
    return isinstance(pilot.app.screen, Ask) and "Run its code?" in str(
        pilot.app.screen.query_one(".dialog").border_title
    )


async def decide(pilot: Pilot[None], key: str) -> None:
    await until(pilot, lambda: asked(pilot))
    await pilot.press(key)
    await until(pilot, lambda: not asked(pilot))


async def stopped(pilot: Pilot[None], run: Path) -> None:
    await until(pilot, lambda: status(run).state == "running")
    stop(run, now=True)
    await until(pilot, lambda: status(run).state == "stopped")


async def test_code_of_tasks_waits_for_a_yes_in_design_and_in_live(tmp_path: Path) -> None:
    pytest.importorskip("lm_eval", reason="lm-evaluation-harness, the extra lesion-lab[tasks], is not installed")
    results, profiles = folders(tmp_path)
    (profiles / "demo.toml").write_text(DEMO + TASKS)
    (profiles / "own").mkdir()
    (profiles / "own" / "own.yaml").write_text("task: own\ndoc_to_text: !function own.text\n")
    (profiles / "own" / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    app = LesionApp(results, profiles)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "trials" in shown(pilot, "#plan"))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: asked(pilot))
        assert "brings program code of its own (own.py)" in shown(pilot, ".question").replace("\n", " ")
        await decide(pilot, "n")
        assert not results.exists() or not list(results.iterdir())

        await pilot.press("ctrl+r")
        await decide(pilot, "y")
        await until(pilot, lambda: results.exists() and list(results.iterdir()))
        run = next(results.iterdir())
        await stopped(pilot, run)
        assert read_manifest(run)["trust_remote_code"] is True

        await until(pilot, lambda: "stopped" in shown(pilot, "#live"))
        started = len(read_manifest(run)["started"])
        await pilot.press("r")
        await decide(pilot, "n")
        assert len(read_manifest(run)["started"]) == started
        await pilot.press("r")
        await decide(pilot, "y")
        await stopped(pilot, run)
        assert len(read_manifest(run)["started"]) == started + 1
    assert not (tmp_path / "ran").exists()  # stopped before


async def test_code_of_a_model_waits_for_a_yes(tmp_path: Path) -> None:
    results, profiles = folders(tmp_path)
    own = save_own(tmp_path / "model", tmp_path / "ran")
    (profiles / "demo.toml").write_text(DEMO.replace("petri-16k", str(own)))
    app = LesionApp(results, profiles)
    async with app.run_test(size=(200, 60)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "brings program code" in shown(pilot, "#plan").replace("\n", " "))
        await pilot.press("ctrl+r")
        await decide(pilot, "n")
        assert not results.exists() or not list(results.iterdir())
        assert not (tmp_path / "ran").exists()
        await pilot.press("ctrl+r")
        await decide(pilot, "y")
        await until(pilot, lambda: results.exists() and list(results.iterdir()))
        run = next(results.iterdir())
        await stopped(pilot, run)
        assert read_manifest(run)["trust_remote_code"] is True
