"""Abilities in the console: a line an ability to begin with, groups, models and single metrics by key."""

from pathlib import Path

import pytest

from app.console.app import LesionApp
from app.console.browse.trial_table import TrialTable
from app.console.shared.chart_pane import Plot
from engine import runs
from engine.profile import Trial, parse, trials
from tests.console.journals import Record, finish
from tests.console.shell import SIZES, shown, until

SHARES = {"facts": 0.8, "recall": 1.0}


def examined(results: Path) -> Path:
    """A finished run of two models whose facts and recall fall with the dose, facts to chance at once."""
    tables = {
        "name": "examined",
        "model": {"names": ["petri-16k", "petri-60k"]},
        "damage": [{"method": "mult_gauss", "groups": ["attn_only"], "levels": [0.0, 0.5, 1.0]}],
        "measure": [{"name": "perplexity"}, *({"name": "tasks", "label": label} for label in SHARES)],
    }
    run = runs.create(parse(tables, "examined.toml", results), results, source=None)

    def change(trial: Trial) -> Record:
        level = trial.level or 0.0
        left = {"facts.accuracy": 0.2 if level else 0.8, "recall.accuracy": 1 - 0.7 * level}
        size = 35_700 if trial.model == "petri-16k" else 100_200
        return {"metrics": {"perplexity": 3.0 + level, **left}, "parameters": size}

    finish(run, trials(runs.read_profile(run)), change)
    return run


@pytest.mark.parametrize("size", SIZES)
async def test_abilities_come_first_and_keys_lead_on(tmp_path: Path, size: tuple[int, int]) -> None:
    run = examined(tmp_path)
    app = LesionApp(tmp_path, tmp_path / "profiles")
    async with app.run_test(size=size) as pilot:
        await app.browse_run(run)
        await until(pilot, lambda: app.screen.query(TrialTable) and app.focused)
        await pilot.press("c")
        await until(pilot, lambda: app.screen.query_one(Plot).drawing.lines == "a line an ability")
        drawn = shown(pilot, "#chart")
        assert "accuracy · mult_gauss · attn_only · petri-60k" in drawn  # the largest first
        assert "1 of 2 · a line an ability" in drawn
        assert "● facts 0.8, ◆ recall 1" in drawn
        assert "half failed at: facts 0.25, recall 0.5" in drawn
        await pilot.press("]")
        await until(pilot, lambda: "petri-16k" in shown(pilot, "#chart"))
        await pilot.press("l")
        await until(pilot, lambda: "a line a group" in shown(pilot, "#chart"))
        assert "perplexity" in shown(pilot, "#chart")
        await pilot.press("l")
        await until(pilot, lambda: "a line a model" in shown(pilot, "#chart"))
        await pilot.press("l")
        await until(pilot, lambda: "a line an ability" in shown(pilot, "#chart"))
        await pilot.press("m")
        await until(pilot, lambda: app.screen.query_one(Plot).drawing.metric == "perplexity")
        await pilot.press("m")
        await until(pilot, lambda: app.screen.query_one(Plot).drawing.metric == "facts.accuracy")
        await pilot.press("x")
        await until(pilot, lambda: "scaling · facts.accuracy" in shown(pilot, "#chart"))
