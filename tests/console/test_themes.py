"""Themes are names of styles: a switch changes all that is on the screen, and the next console begins with it. Without
colours, or with ASCII alone, the same is said."""

import re
import sys
from pathlib import Path

import pytest

from app.console import settings
from app.console.app import LesionApp
from app.console.browse.trial_table import TrialTable
from app.console.shared.filters import ascii_text
from app.console.theme import CONTRAST, DARK, LIGHT, THEMES, style_names
from benchmarks.terminal import Terminal
from tests import hostile
from tests.console.shell import appears, field_texts, lab, settled, until


def foregrounds(app: LesionApp) -> set[str]:
    """Every colour that letters on the screen have now."""
    styles = (s.style for strip in app.screen._compositor.render_strips() for s in strip if s.text.strip() and s.style)
    return {style.color.get_truecolor().hex for style in styles if style.color}


async def test_a_switch_leaves_no_colour_of_the_theme_before(tmp_path: Path) -> None:
    """On every screen, with lists, a log, charts and figures drawn before the switch."""
    run = hostile.run(tmp_path)
    app = LesionApp(tmp_path, tmp_path / "profiles", run)
    only_dark = {DARK.foreground, DARK.primary, DARK.success, DARK.warning, DARK.error, DARK.variables["muted"]}
    only_dark -= {LIGHT.foreground, LIGHT.primary, LIGHT.variables["muted"]}
    async with app.run_test(size=(120, 40)) as pilot:
        await appears(pilot, "failed", "#log")
        await pilot.press("b")
        await until(pilot, lambda: app.screen.query(TrialTable))
        await pilot.press("2")
        assert foregrounds(app) & only_dark
        app.action_switch_theme()
        for key in ("1", "2", "d", "3"):
            await pilot.press(key)
            await settled()
            left = foregrounds(app) & only_dark
            assert not left, key


async def test_the_choice_is_kept_beside_what_else_the_file_says(tmp_path: Path) -> None:
    settings.place().parent.mkdir(parents=True)
    settings.place().write_text('# mine\nother = 1\ntheme = "lesion-dark" # at night\n')
    for chosen in (LIGHT, CONTRAST, DARK, LIGHT):
        app = lab(tmp_path) if chosen is LIGHT and not (tmp_path / "profiles").exists() else again(tmp_path)
        async with app.run_test(size=(80, 24)):
            app.action_switch_theme()
            assert app.theme == chosen.name
    assert settings.place().read_text() == '# mine\nother = 1\ntheme = "lesion-light" # at night\n'


def again(tmp_path: Path) -> LesionApp:
    return LesionApp(tmp_path / "results", tmp_path / "profiles")


@pytest.mark.parametrize("text", ['theme = "pink"', "theme = ", "[theme]\n"])
async def test_settings_that_cannot_be_used_are_told_and_the_console_opens(tmp_path: Path, text: str) -> None:
    settings.place().parent.mkdir(parents=True)
    settings.place().write_text(text)
    app = lab(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: field_texts(pilot))
        assert app.theme == DARK.name
        [told] = [toast.message for toast in app._notifications]
        assert "console.toml" in told


async def test_without_colour_not_one_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    command = [sys.executable, "-m", "app.cli", "--results", str(tmp_path), "--profiles", str(tmp_path / "none")]
    hostile.run(tmp_path)
    with Terminal(command, (100, 30)) as terminal:
        terminal.shows("none yet")
        terminal.press(["2"])
        terminal.shows("failed")
        terminal.press(["\x11"])
        assert terminal.ended() == 0
        painted = "".join(piece for _, piece in terminal._painted)
    codes = {code for codes in re.findall(r"\x1b\[([\d;]*)m", painted) for code in codes.split(";")}
    assert codes <= {"", "0", "1", "2", "3", "4", "7"}
    assert "7" in codes  # the row under the cursor


@pytest.mark.parametrize(("option", "term"), [(["--ascii"], "xterm-256color"), ([], "linux")])
def test_with_ascii_alone_nothing_else_is_sent(tmp_path: Path, option: list[str], term: str) -> None:
    hostile.run(tmp_path)
    command = [sys.executable, "-m", "app.cli", "--results", str(tmp_path), "--profiles", str(tmp_path / "x"), *option]
    with Terminal(command, (100, 30), {"TERM": term}) as terminal:
        terminal.shows("none yet")
        terminal.press(["2", "\r"])
        terminal.shows("perplexity")
        terminal.press(["\x11"])
        assert terminal.ended() == 0
        text = terminal.text()
    assert text.isascii()
    assert "+- Profiles" in text


def test_a_look_in_ascii_is_as_wide_as_what_it_stands_for() -> None:
    from rich.cells import cell_len

    text = "╭─ σ ≥ 0.5 … ▁▄█ ⣿⠁⠀ é 字 ␛ ✓ ✗ × ● 😀"
    assert cell_len(text) == len(ascii_text(text))
    assert ascii_text("│ ✓ ok … é ⠀") == "| + ok ~ e  "


def test_every_theme_has_every_name_that_is_drawn_with() -> None:
    for theme in THEMES.values():
        assert style_names(theme).styles.keys() == style_names(DARK).styles.keys()
        assert set(DARK.variables) <= set(theme.variables)
