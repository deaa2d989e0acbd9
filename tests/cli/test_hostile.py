"""Arguments and profiles beyond all bounds, given to the real command: one sentence, exit status 2, little memory."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, SMALL

LONG = "x" * 5000
WITHIN = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 * 10**9, 3 * 10**9))
from app.cli import main
main(sys.argv[1:])
"""
"""The command in 3 GB of address space, a third of which its libraries take."""

Refuse = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path) -> Refuse:
    """Run the command with these arguments, and give the one line that it says before it ends with exit status 2."""

    def run(*arguments: str | bytes | Path) -> str:
        done = subprocess.run(
            [sys.executable, "-c", WITHIN, *arguments],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "LESION_RESULTS": str(tmp_path / "results")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, done.stderr
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("lesion: ")
        assert len(line) < 800
        assert not (tmp_path / "results").exists()
        return line

    return run


@pytest.mark.parametrize(
    ("command", "old", "new", "part"),
    [
        ("plan", 'name = "small"', "a = " + "[" * 5000, "too many brackets within one another"),
        ("plan", 'name = "small"', ".".join("a" * 20_000) + " = 1", "too many parts of a key"),
        ("run", 'name = "small"', 'extends = "a\\u0000b"', "extends: 'a␀b' can be no path"),
        (
            "plan",
            "levels = [0.5]",
            'levels = [0.5]\nlayers = "0-99999999"',
            "damage.0.layers: layers '0-99999999' go beyond",
        ),
        (
            "run",
            "levels = [0.5]",
            'levels = { from = 0, to = 1, steps = 10000 }\neach_layer = "0-9999"',
            "run.limit: this profile makes 200,000,001 trials, and 1,000,000 is the limit",
        ),
    ],
)
def test_a_profile(refused: Refuse, tmp_path: Path, command: str, old: str, new: str, part: str) -> None:
    path = tmp_path / "hostile.toml"
    path.write_text(SMALL.replace(old, new))
    assert part in refused(command, path)


@pytest.mark.parametrize(
    ("override", "part"),
    [
        (".".join("a" * 20_000) + "=1", "a key of 20,000 parts; at most 50 are accepted"),
        ("damage.0.heads='0-99999999'", "damage.0.heads: heads '0-99999999' go beyond any model"),
        (b"description=\xff", "this is not text in UTF-8"),
    ],
)
def test_an_override(refused: Refuse, tmp_path: Path, override: str | bytes, part: str) -> None:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    assert part in refused("plan", path, "--set", override)


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", LONG],
        ["run", f"./{LONG}"],
        ["run", "demo", "--device", LONG],
        ["plan", "demo", "--results", LONG],
        ["doctor", "--results", LONG],
        ["attach", LONG],
        ["export", f"./{LONG}"],
        ["schema", LONG],
        [LONG],
    ],
    ids=lambda arguments: " ".join(arguments).replace(LONG, "LONG"),
)
def test_an_argument_of_thousands_of_letters(refused: Refuse, arguments: list[str]) -> None:
    assert "xxx…xxx" in refused(*arguments)
