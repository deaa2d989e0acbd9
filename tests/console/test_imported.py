"""An imported run in the console: the list says what it is, and a trial says where it comes from and what its figures
mean."""

from pathlib import Path

from app.console.app import LesionApp
from app.console.browse.trial_table import TrialTable
from engine.runs.importing import bring_in
from tests.console.shell import shown, until
from tests.importing import study


async def test_an_imported_run_says_so(tmp_path: Path) -> None:
    [made] = bring_in([study.mechanism(tmp_path)], tmp_path / "results").runs
    app = LesionApp(tmp_path / "results", tmp_path / "profiles")
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: made.run.name[:20] in shown(pilot, "#runs"))
        assert "↓ imported" in shown(pilot, "#runs")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query(TrialTable) and isinstance(app.focused, TrialTable))
        await pilot.press("down")
        await until(pilot, lambda: "imported from" in shown(pilot, "#metrics"))
        figures = " ".join(shown(pilot, "#metrics").replace("│", " ").split())
        assert "imported from raw_data" in figures
        assert "weights touched" not in figures
        assert "published_perplexity" in figures
        assert "shifted twice" in figures
