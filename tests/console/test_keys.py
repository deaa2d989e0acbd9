"""Keys that come faster than a busy host can follow have the effect that they have one by one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.events import Key
from textual.strip import Strip
from textual.widgets import ContentSwitcher, Input

from app.console.app import LesionApp
from app.console.browse.trial_table import TrialTable
from app.console.design.form_lines import clipped
from app.console.design.form_list import FormList
from app.console.design.line_editor import LineEditor
from app.console.design.painting import window
from benchmarks.terminal import Terminal
from engine.profile import load
from tests import hostile
from tests.console.shell import DEMO, field_texts, form, go_to, lab, opened, settled, shown, until

BACKSPACE, DOWN, SAVE, ERASE = "\x7f", "\x1b[B", "\x13", "\x15"
BURST = ["z", "z", BACKSPACE, BACKSPACE, *"abcdef0"]


@pytest.fixture
def busy() -> Iterator[None]:
    """Every core computes."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    yield
    for process in started:
        process.kill()
        process.wait()


def console(tmp_path: Path) -> Terminal:
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    (profiles / "demo.toml").write_text(DEMO)
    command = [sys.executable, "-m", "app.cli", "--results", str(tmp_path / "results"), "--profiles", str(profiles)]
    return Terminal(command, (100, 32))


@pytest.mark.parametrize("gap", [0.0, 0.03, 0.1, 0.25])
def test_a_burst_on_a_busy_host_lands_in_its_order(tmp_path: Path, gap: float, busy: None) -> None:
    """Letters, deletes, a step to another field, saving under a new name and leaving: nothing waits for the screen."""
    description = [DOWN, ERASE, *"then thus", BACKSPACE, BACKSPACE, *"is"]
    with console(tmp_path) as terminal:
        terminal.shows("15 trials")
        terminal.press(["\r", ERASE, *BURST, *description, SAVE, ERASE, *"own/mine", "\r"], gap)
        terminal.exists(tmp_path / "profiles" / "own" / "mine.toml")
        saved = load(tmp_path / "profiles" / "own" / "mine.toml")
        assert (saved.name, saved.description) == ("abcdef0", "then this")
        terminal.press(["\x11"])
        assert terminal.ended() == 0


def type_at_once(app: LesionApp, keys: list[str]) -> None:
    for key in keys:
        app.post_message(Key(key, {"space": " ", "slash": "/"}.get(key)))


async def test_a_filter_takes_what_follows_its_key_at_once(tmp_path: Path) -> None:
    """All keys lie ready before the first has had any effect."""
    run = hostile.run(tmp_path)
    app = LesionApp(tmp_path, tmp_path / "profiles")
    async with app.run_test(size=(120, 40)) as pilot:
        await app.browse_run(run)
        await until(pilot, lambda: app.screen.query(TrialTable) and isinstance(app.focused, TrialTable))
        type_at_once(app, ["slash", *"none", "space", *"cx"])
        await until(pilot, lambda: app.screen.query_one("#filter", Input).value == "none cx")
        assert app.screen.query_one("#view", ContentSwitcher).current == "trials"


async def test_the_filter_of_profiles_takes_what_follows_its_key_at_once(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: field_texts(pilot).get("name") == "demo")
        type_at_once(app, ["slash", *"trap", "enter", "enter", "end", "z"])
        await until(pilot, lambda: field_texts(pilot).get("name") == "trapz")
        assert "demo" not in shown(pilot, "#profiles")
        type_at_once(app, ["escape", "slash", "z", "z"])
        await until(pilot, lambda: "no profile fits" in shown(pilot, "#profiles"))
        await pilot.press("escape")
        await until(pilot, lambda: "demo" in shown(pilot, "#profiles"))


async def test_keys_after_one_that_opens_a_list_narrow_that_list(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await go_to(pilot, "measure.0.name")
        type_at_once(app, ["enter", *"gener", "enter", "down", "9"])
        await until(pilot, lambda: "measure.0.temperature" in field_texts(pilot))
        await until(pilot, lambda: form(pilot).active and form(pilot).editor.text.endswith("9"))
        assert field_texts(pilot)["measure.0.name"] == "generation"


async def test_a_letter_paints_its_own_line_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("x")
        await settled()
        painted: list[int] = []
        plain = FormList.render_line

        def noted(self: FormList, y: int) -> Strip:
            painted.append(y)
            return plain(self, y)

        monkeypatch.setattr(FormList, "render_line", noted)
        await pilot.press("y")
        await settled()
        assert set(painted) == {1}  # below the heading


def test_a_value_longer_than_its_field_is_shown_with_signs_of_what_is_left_out() -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(200))
    for caret in (0, 1, 17, 100, 198, 199, 200):
        begin, end = window(LineEditor(text, caret), 30)
        assert begin <= caret <= end
        assert end - begin + 1 == 30
    wide = LineEditor("字" * 40, 20)
    begin, end = window(wide, 30)
    assert begin <= 20 <= end
    assert 28 <= cell_len(wide.text[begin : end + 1]) <= 30
    assert clipped("abcdef", 4) == "abc…"
    assert clipped("字字字", 4) == "字 …"


@pytest.mark.parametrize(
    ("keys", "text", "caret"),
    [
        (["home", "x"], "xone two three", 1),
        (["ctrl+w", "ctrl+w"], "one ", 4),
        (["ctrl+left", "ctrl+left", "ctrl+k"], "one ", 4),
        (["home", "ctrl+right", "ctrl+u"], "two three", 0),
        (["home", "delete", "right", "backspace"], "e two three", 0),
        (["ctrl+shift+left", "x"], "one two x", 9),
        (["shift+home", "backspace"], "", 0),
        (["ctrl+shift+a", "left", "x"], "xone two three", 1),
        (["home", "backspace", "left", "ctrl+u"], "one two three", 0),
        (["end", "delete", "right", "ctrl+k"], "one two three", 13),
    ],
)
def test_edit_keys_do_what_they_do_elsewhere(keys: list[str], text: str, caret: int) -> None:
    editor = LineEditor.at_end("one two three")
    for key in keys:
        assert editor.press(key, key if len(key) == 1 else None)
    assert (editor.text, editor.caret) == (text, caret)
    assert not editor.press("f5", None)
