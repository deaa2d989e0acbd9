"""A run that someone else made, in every screen: nothing it says acts on the terminal or ends the console."""

from pathlib import Path

import pytest

from app.console.app import LesionApp
from app.console.browse.trial_table import TrialTable
from app.console.shared.chart_pane import Plot
from tests import hostile
from tests.console.shell import SIZES, until

ODD = "[/]" + hostile.TRICKS


@pytest.mark.parametrize("size", SIZES[:2])
async def test_every_screen_shows_it_as_text(tmp_path: Path, size: tuple[int, int]) -> None:
    results = tmp_path / f"results{ODD.replace('/', '')}"
    run = hostile.run(results, f"20261121-1432-{ODD.replace('/', '')}-0000")
    (tmp_path / f"profile{ODD.replace('/', '')}.toml").write_text(hostile.profile([ODD]))
    async with LesionApp(results, tmp_path).run_test(size=size) as pilot:
        app = pilot.app

        def screen() -> str:
            lines = [strip.text for strip in app.screen._compositor.render_strips()]
            assert [text for text in lines if hostile.acting(text)] == []
            return "\n".join(lines)

        await until(pilot, lambda: "tricks␛" in screen())
        await pilot.press("2")
        await until(pilot, lambda: "␛[31m" in screen())
        await pilot.press("enter")
        await until(pilot, lambda: "✗ failed after" in screen() and app.screen.query_one(Plot).drawing.chart)
        await pilot.press("b")
        await until(pilot, lambda: app.screen.query(TrialTable))
        await pilot.press("down", "down")
        await until(pilot, lambda: "failed" in screen())
        await pilot.press("c")
        await until(pilot, lambda: app.screen.query_one(Plot).drawing.chart and "dose–response" in screen())
        await pilot.press("m", "x")
        await until(pilot, lambda: app.screen.query_one(Plot).drawing.view == "scaling")
        screen()
        await pilot.press("escape", "e")
        await until(pilot, lambda: (run / "trials.csv").exists())
        screen()
