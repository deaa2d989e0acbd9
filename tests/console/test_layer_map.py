"""The map of a layer scan in the console, with real keys, on Browse and on Live."""

from pathlib import Path

import pytest

from app.console.app import LesionApp
from app.console.browse.trial_table import TrialTable
from app.console.shared.chart_pane import ChartPane, Plot
from engine import runs
from engine.profile import Trial, parse, trials
from tests.console.journals import Record, finish
from tests.console.shell import SIZES, appears, shown, until

LAYERS = 30


def scan(results: Path, *more: Record) -> Path:
    """A finished run that skips each of thirty layers of two models; layer 3 breaks, layer 7 has no result."""
    damage = {"method": "skip", "groups": ["attn_all", "mlp_only"], "levels": [1.0], "each_layer": f"0-{LAYERS - 1}"}
    tables = {
        "name": "scan",
        "model": {"names": ["petri-16k", "petri-60k"]},
        "damage": [damage, *more],
        "measure": [{"name": "perplexity"}],
    }
    run = runs.create(parse(tables, "scan.toml", results), results, source=None)

    def change(trial: Trial) -> Record:
        layer = trial.layers[0] if isinstance(trial.layers, tuple) else 0
        value = 10.0 if trial.baseline else "nan" if layer == 3 else 10.0 + layer
        failed = {"status": "failed", "metrics": {}, "error": "no room"}
        return failed if layer == 7 else {"metrics": {"perplexity": value, "token_accuracy": 0.5}}

    finish(run, trials(runs.read_profile(run)), change)
    return run


@pytest.mark.parametrize("size", SIZES)
async def test_a_scan_opens_as_a_map_and_its_keys_lead_on(tmp_path: Path, size: tuple[int, int]) -> None:
    run = scan(tmp_path)
    app = LesionApp(tmp_path, tmp_path / "profiles")
    async with app.run_test(size=size) as pilot:
        await app.browse_run(run)
        await until(pilot, lambda: app.screen.query(TrialTable) and app.focused)
        await pilot.press("c")
        await until(pilot, lambda: app.screen.query_one(Plot).drawing.view == "layer by layer")
        drawn = shown(pilot, "#chart")
        assert "layer by layer · perplexity · petri-16k" in drawn
        assert "1 of 2 · a column a layer" in drawn
        rows = [line for line in drawn.splitlines() if "mlp_only skip p 1" in line and "change" not in line]
        cells = [row.partition("skip p 1")[2].strip("│ ").split() for row in rows]
        assert sum(map(len, cells)) >= LAYERS - (size[0] < 120)  # two digits may touch at 80 columns
        assert "×" in rows[0]
        assert "–" in rows[0]
        assert "largest change: attn_all skip p 1 in layer 29: 39 (×3.90)" in drawn
        assert app.screen.check_action("lines", ()) is False
        await pilot.press("]")
        await until(pilot, lambda: "petri-60k" in shown(pilot, "#chart"))
        await pilot.press("m")
        await until(pilot, lambda: "no change anywhere" in shown(pilot, "#chart"))
        for kind in ("dose–response", "scaling", "layer by layer"):
            await pilot.press("x")
            await appears(pilot, f"{kind} · token_accuracy", "#chart")
        await pilot.press("?")
        await until(pilot, lambda: "map of layers" in shown(pilot, "Help .dialog"))


async def test_where_a_run_does_other_damage_too_the_map_is_one_key_away(tmp_path: Path) -> None:
    run = scan(tmp_path, {"method": "mult_gauss", "groups": ["attn_only"], "levels": [0.5, 1.0]})
    app = LesionApp(tmp_path, tmp_path / "profiles")
    async with app.run_test(size=(120, 40)) as pilot:
        await app.watch_run(run)
        await until(pilot, lambda: app.screen.query_one(Plot).drawing.chart)
        chosen = app.screen.query_one(ChartPane).chosen
        assert chosen is not None
        assert chosen.kind.view == "dose–response"
        await pilot.press("x", "x")
        await until(pilot, lambda: app.screen.query_one(Plot).drawing.view == "layer by layer")
        assert "layer by layer · perplexity · petri-16k" in shown(pilot, "ChartPane")
