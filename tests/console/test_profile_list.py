"""The list of profiles, worked with real keys; files in it that no one can read; values longer than their field."""

import re
from pathlib import Path

from app.console.design.profile_list import ProfileList
from app.console.design.screen import DesignScreen
from tests.console.shell import DEMO, field_texts, go_to, lab, opened, shown, until


async def test_j_and_k_go_down_and_up(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: field_texts(pilot))
        profiles = app.screen.query_one(ProfileList)
        await pilot.press("j")
        await until(pilot, lambda: field_texts(pilot).get("name") == "trap")
        assert app.screen.focused is profiles
        await pilot.press("k")
        await until(pilot, lambda: field_texts(pilot).get("name") == "demo")


async def test_a_file_that_is_too_deep_is_listed_and_says_so_when_it_is_opened(tmp_path: Path) -> None:
    app = lab(tmp_path)
    (app.profiles / "deep.toml").write_text("a = " + "[" * 5000)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "cannot be read" in shown(pilot, "#profiles"))
        await until(pilot, lambda: "toomanybrackets" in re.sub(r"[\s│]", "", shown(pilot, "#plan")))


async def test_a_value_longer_than_a_line_is_edited_without_a_loss(tmp_path: Path) -> None:
    app = lab(tmp_path)
    prompts = ", ".join(f'"Say {number} and nothing else."' for number in range(100))
    text = DEMO + f'\n[[measure]]\nname = "generation"\nprompts = [{prompts}]\n'
    (app.profiles / "demo.toml").write_text(text)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await go_to(pilot, "measure.1.prompts")
        await pilot.press("end", "x")
        design = app.screen
        assert isinstance(design, DesignScreen)
        await until(pilot, design.unsaved)
        assert design._draft is not None
        assert design._draft.get("measure.1.prompts") == [
            *(f"Say {number} and nothing else." for number in range(99)),
            "Say 99 and nothing else.x",
        ]
