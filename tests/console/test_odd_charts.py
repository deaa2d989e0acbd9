"""Charts in the console: of numbers at the ends of floats, of a run without damage, and a fault of ours in one."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.charts.choosing import Drawing
from app.charts.dose import DoseChart, Panel
from app.charts.scaling import ScalingChart
from app.commands.chart import print_charts
from app.console.app import LesionApp
from app.console.browse.trial_table import TrialTable
from app.console.shared.chart_pane import Plot
from engine.analysis import Curve
from tests import extremes
from tests.analysis.conftest import record
from tests.console.shell import shown, until
from tests.runs.test_odd_files import DONE, STARTED, make


async def charting(pilot: Pilot[None], run: Path) -> Plot:
    assert isinstance(pilot.app, LesionApp)
    await pilot.app.browse_run(run)
    await until(pilot, lambda: pilot.app.screen.query(TrialTable) and pilot.app.focused)
    await pilot.press("c")
    plot = pilot.app.screen.query_one(Plot)
    await until(pilot, lambda: plot.drawing.metric)
    return plot


async def turn(pilot: Pilot[None], key: str, what: Callable[[], object]) -> None:
    """Presses the key, and waits until this is another."""
    before = what()
    await pilot.press(key)
    await until(pilot, lambda: what() != before)


async def test_every_view_of_every_metric(tmp_path: Path) -> None:
    run = extremes.run(tmp_path)
    async with LesionApp(tmp_path, tmp_path).run_test(size=(120, 40)) as pilot:
        plot = await charting(pilot, run)
        seen = set()
        for _ in range(6):
            metric = plot.drawing.metric
            for _ in range(3):
                view = plot.drawing.view
                await until(pilot, lambda: re.search("[┤┬]|layer by layer", shown(pilot, "#chart")))
                assert plot.drawing.reason == ""
                seen.add((metric, view))
                await turn(pilot, "x", lambda: plot.drawing.view)
            await turn(pilot, "m", lambda: plot.drawing.metric)
        assert len(seen) == 18


async def test_undamaged_models_alone_have_a_scaling_chart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {"petri-16k": 10**4, "petri-60k": 10**5, "petri-250k": 10**6}
    records = [
        record(place, baseline=True, model=model, parameters=size, metrics={"mlp_gain_last": size**0.25})
        for place, (model, size) in enumerate(sizes.items())
    ]
    run = make(tmp_path, "gains", [STARTED, DONE], records)
    async with LesionApp(tmp_path, tmp_path).run_test(size=(120, 40)) as pilot:
        plot = await charting(pilot, run)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(plot.drawing.chart, ScalingChart))
        assert plot.drawing.reason == ""
        await until(pilot, lambda: "0.2500 ±" in shown(pilot, "#chart"))
        await pilot.press("full_stop")
        await until(pilot, lambda: "undamaged" in shown(pilot, "#chart"))
    print_charts(run)
    assert "0.2500 ±" in capsys.readouterr().out


async def test_a_fault_of_ours_in_a_chart_is_said_to_be_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    run = extremes.run(tmp_path)
    # No level at all: what our own code never makes.
    curve = Curve("m", "mult_gauss", "g", (math.inf,), (1.0,), (1.0,), (1.0,), (1,), (0,), (0,), 1.0)
    async with LesionApp(tmp_path, tmp_path).run_test(size=(120, 40)) as pilot:
        plot = await charting(pilot, run)
        plot.show(Drawing(chart=DoseChart("perplexity", Panel("t", "mult_gauss", (curve,), ("g",)))))
        await until(pilot, lambda: "a fault in Lesion itself" in shown(pilot, "#chart"))
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: "a fault in Lesion itself" in shown(pilot, "#chart"))
    assert len(list(tmp_path.glob("lesion-fault-*.txt"))) == 1
