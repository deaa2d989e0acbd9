"""What every test of the console runs under: a pilot that knows when the app has done what there was to do."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.console import shell


@pytest.fixture(autouse=True)
def waiting_for_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's own pilot takes a process for idle that got no processor for 20 ms, and gives up after 30 s. On a busy
    host the first loses keys and the second fails tests, so it waits as `quiet` and `settled` do instead."""
    monkeypatch.setattr("textual.app.wait_for_idle", shell.quiet)
    monkeypatch.setattr("textual.pilot.wait_for_idle", shell.quiet)
    monkeypatch.setattr(Pilot, "_wait_for_screen", shell.settled)


@pytest.fixture(autouse=True)
def settings_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test chooses is not kept for the next one, nor for whoever runs the tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at a profile for so long that its models are asked about, which loads torch for seconds: for tests
    of the form that never look at the answer."""
    monkeypatch.setattr("app.console.design.screen._LONG_PAUSE", 1e6)
