"""Leaving at any moment ends quietly; a fault of ours is said to be one, with where its report lies."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from app.console.app import LesionApp
from benchmarks.terminal import Terminal
from tests import hostile

FAULTY = """
import sys
from pathlib import Path
from app.console.app import LesionApp, run

def broken(self):
    secret = "a local value"
    raise KeyError("no such help")

LesionApp.action_help = broken
sys.exit(0 if run(Path(sys.argv[1]), Path(sys.argv[2])) else 70)
"""
KEYS = [["3"], ["3", "\r"], ["3", "\r", "c", "x"], ["2", "\r", "z"], ["\r", "a", "\x1b"], ["?"]]


@pytest.mark.parametrize("turns", [0, 1, 3, 10, 30, 60, 100, 150])
async def test_leaving_while_threads_read_is_no_fault(tmp_path: Path, turns: int) -> None:
    """Whatever has been begun by then: run_test raises what a callback on a closing app raises."""
    run = hostile.run(tmp_path)
    app = LesionApp(tmp_path, tmp_path / "profiles", run)
    async with app.run_test(size=(100, 30)):
        await app.browse_run(run)
        for _ in range(turns):
            await asyncio.sleep(0.002)
        app.exit()
    assert app.return_code == 0


@pytest.mark.parametrize(
    "keys", [["3"], ["3", "\r"], ["3", "\r", "c", "x"], ["2", "\r", "z"], ["\r", "a", "\x1b"], ["?"]]
)
def test_ctrl_q_ends_the_program_after_any_keys(tmp_path: Path, keys: list[str]) -> None:
    hostile.run(tmp_path)
    command = [sys.executable, "-m", "app.cli", "--results", str(tmp_path), "--profiles", str(tmp_path / "none")]
    with Terminal(command, (100, 30)) as terminal:
        terminal.shows("Design")
        terminal.press([*keys, "\x11"])
        assert terminal.ended() == 0
        assert "Traceback" not in terminal.text()


def test_a_fault_of_ours_is_said_in_a_sentence_with_its_report(tmp_path: Path) -> None:
    with Terminal([sys.executable, "-c", FAULTY, str(tmp_path), str(tmp_path)], (100, 30)) as terminal:
        terminal.shows("none yet")
        terminal.press(["?"])
        assert terminal.ended() == 70
        said = terminal.text().replace("\r\n", " ")
    assert "lesion: a fault in Lesion itself (KeyError: 'no such help'); the traceback is in" in said
    assert "a local value" not in said
    found = re.search(r"\S+lesion-fault-\S+?\.txt", said)
    assert found
    assert "no such help" in Path(found[0]).read_text()
    Path(found[0]).unlink()
