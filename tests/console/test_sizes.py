"""Every screen in a small terminal: folded from 60 by 16 on, below that a sentence."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.console.app import LesionApp
from app.console.browse.trial_table import TrialTable
from app.console.design.form_list import FormList
from app.console.live.screen import LiveScreen
from tests import hostile
from tests.console.shell import appears, field_texts, form, lab, opened, settled, shown, type_over, until

SMALL = [(80, 24), (60, 16), (76, 19)]


def whole(pilot: Pilot[None], *selectors: str) -> None:
    """What is shown lies on the screen, and is no mere border."""
    screen = pilot.app.screen
    for selector in selectors:
        region = screen.query_one(selector).region
        assert screen.region.contains_region(region), selector
        assert region.height > 2, selector


@pytest.mark.parametrize("size", SMALL)
async def test_a_profile_is_found_edited_and_saved(tmp_path: Path, size: tuple[int, int]) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: field_texts(pilot))
        await appears(pilot, "15 trials", "#plan")
        whole(pilot, "#profiles", "#plan")
        await opened(pilot)
        await type_over(pilot, "small")
        whole(pilot, "FormList")
        assert "small" in shown(pilot, "FormList")
        await appears(pilot, "15 trials", "#form")
        assert "? Help" in shown(pilot, "KeyBar") or "f1 Help" in shown(pilot, "KeyBar")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.focused, FormList))
        whole(pilot, "#profiles")


@pytest.mark.parametrize("size", SMALL)
async def test_a_run_is_watched_and_read(tmp_path: Path, size: tuple[int, int]) -> None:
    run = hostile.run(tmp_path)
    app = LesionApp(tmp_path, tmp_path / "profiles", run)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LiveScreen) and "failed" in shown(pilot, "Banner"))
        whole(pilot, "#progress", "#log")
        await pilot.press("z")
        await settled()
        whole(pilot, "#chart")
        await pilot.press("b")
        await until(pilot, lambda: app.screen.query(TrialTable))
        whole(pilot, "TrialTable")
        await pilot.press("enter")
        await settled()
        whole(pilot, "#metrics")
        assert "perplexity" in shown(pilot, "#metrics")


async def test_where_nothing_fits_a_sentence_says_what_is_needed(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(59, 16)) as pilot:
        await until(pilot, lambda: "Lesion needs 60×16" in " ".join(shown(pilot, ".too-small").split()))
        assert "59×16" in shown(pilot, ".too-small")
        await pilot.resize_terminal(60, 16)
        await until(pilot, lambda: "demo" in shown(pilot, "#profiles"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_hint_is_shown_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        for _ in range(len(form(pilot).stops) - 1):
            await pilot.press("down")
            await settled()
            field = form(pilot).field
            if field is not None:
                assert " ".join(shown(pilot, "#form .hint").replace("─", "").split()) == " ".join(field.hint.split())
