"""The shell around the screens: modes, help, palette, themes, leaving, and what the first screen loads."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.console.app import LesionApp
from app.console.help import Help
from app.console.theme import CONTRAST, DARK, LIGHT
from tests.console.shell import SIZES, field_texts, lab, opened, shown, until


def mode(app: LesionApp) -> str:
    return app.current_mode


async def test_keys_lead_to_the_three_screens_also_while_typing(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: mode(app) == "design")
        await pilot.press("3")
        await until(pilot, lambda: mode(app) == "browse")
        await pilot.press("2")
        await until(pilot, lambda: mode(app) == "live")
        await pilot.press("1")
        await until(pilot, lambda: mode(app) == "design")
        await opened(pilot)
        await pilot.press("3", "f4")
        await until(pilot, lambda: mode(app) == "browse")
        await pilot.press("1")
        await until(pilot, lambda: mode(app) == "design")
        assert field_texts(pilot)["name"] == "demo3"


@pytest.mark.parametrize("size", SIZES)
async def test_help_lists_the_keys_and_words_of_the_screen(tmp_path: Path, size: tuple[int, int]) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: field_texts(pilot))
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        text = shown(pilot, ".dialog")
        assert "start this profile and watch it" in text
        assert "1 2 3" in text
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Help))


async def test_the_key_bar_fits_and_follows_the_focus(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "n New" in shown(pilot, "KeyBar"))
        await opened(pilot)
        await until(pilot, lambda: "^s Save" in shown(pilot, "KeyBar"))
        assert "n New" not in shown(pilot, "KeyBar")
        assert "? Help" in shown(pilot, "KeyBar")


async def test_the_theme_switches_by_command(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: field_texts(pilot))
        assert app.theme == DARK.name
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen.query("CommandInput"))
        await pilot.press(*"switch theme")
        await until(pilot, lambda: "Switch theme" in shown(pilot, "CommandList"))
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == LIGHT.name)


async def test_a_screenshot_lands_in_the_results_folder_or_the_reason_is_told(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: field_texts(pilot))
        app.action_picture()
        assert [path.suffix for path in app.results.iterdir()] == [".svg"]
        app.results = tmp_path / "profiles" / "demo.toml"
        app.action_picture()
        await until(pilot, lambda: "cannot be written" in str([toast.message for toast in app._notifications]))


async def test_an_empty_folder_of_profiles_says_what_to_do(tmp_path: Path) -> None:
    app = LesionApp(tmp_path / "results", tmp_path / "nowhere")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "n for a new one" in shown(pilot, "#profiles"))
        await pilot.press("n")
        await until(pilot, lambda: field_texts(pilot).get("name") == "untitled")
        await until(pilot, lambda: "16 trials" in shown(pilot, "#plan"))


async def test_ctrl_q_leaves_at_once_when_nothing_would_be_lost(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: field_texts(pilot))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app._exit)


def test_the_first_screen_loads_neither_torch_nor_tables() -> None:
    heavy = ["torch", "transformers", "pandas", "pyarrow", "scipy", "plotext"]
    code = f"import sys, app.console.app, app.console.design.screen; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("theme", [DARK, LIGHT, CONTRAST])
def test_every_colour_is_one_of_the_256(theme: object) -> None:
    steps = {0, 95, 135, 175, 215, 255}
    colours = [value for value in vars(theme).values() if isinstance(value, str) and value.startswith("#")]
    colours += [value for value in vars(theme)["variables"].values() if value.startswith("#")]
    assert len(colours) > 20
    for colour in colours:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        grey = red == green == blue and (red - 8) % 10 == 0
        assert grey or {red, green, blue} <= steps, colour
