"""Standard streams that are odd: in ASCII, closed, full, or with nobody at the other end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import hostile
from tests.cli.conftest import COMMAND, ROOT

FULL = b"lesion: stdout cannot be written: No space left on device\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile.run(tmp_path_factory.mktemp("results"), "20261121-1432-plain-0000")


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A line of bash in which $LESION is the command."""
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=ROOT,
        env={**os.environ, "LESION": " ".join(COMMAND), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("ascii_only", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_a_stream_in_ascii_gets_a_plain_form(run: Path, ascii_only: dict[str, str]) -> None:
    done = shell(f"$LESION chart {run} && $LESION results --results {run.parent} && $LESION models", **ascii_only)
    assert done.returncode == 0, done.stderr
    text = (done.stdout + done.stderr).decode("ascii")
    assert "sigma" in text
    assert "+----" in text  # the frame of the chart
    assert " * " in text  # its points
    assert "petri-16k^[[31mred" in text


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("$LESION models | head -1", 0, b""),
        ("PYTHONUNBUFFERED=1 $LESION models | true", 0, b""),
        ("$LESION models >&- 2>&- <&-", 0, b""),
        ("PYTHONUNBUFFERED=1 $LESION models >/dev/full", 2, FULL),
        ("$LESION export $RUN >/dev/full", 2, FULL),
        ("$LESION --help >/dev/full", 2, FULL),
        ("$LESION nothing 2>/dev/full", 2, b""),
        ("$LESION nothing 2>&-", 2, b""),
    ],
)  # fmt: skip
def test_a_stream_that_cannot_be_written(run: Path, line: str, status: int, said: bytes) -> None:
    done = shell(line, RUN=str(run), PYTHONUNBUFFERED="")
    assert (done.returncode, done.stderr) == (status, said)


def test_a_run_is_watched_to_its_end_though_nobody_reads_the_talk(tmp_path: Path) -> None:
    small = "--set seeds.count=1 --set 'model.names=[\"petri-4k\"]'"
    done = shell(f"$LESION run demo {small} --results {tmp_path} 2> >(true)")
    [run] = tmp_path.iterdir()
    assert (done.returncode, done.stdout.decode()) == (0, f"{run}\n")


@pytest.fixture(scope="module")
def uninstalled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that Lesion needs, by links, without the note that Lesion itself is installed."""
    folder = tmp_path_factory.mktemp("packages")
    for place in sys.path:
        for entry in Path(place).iterdir() if place.endswith("site-packages") else ():
            link = folder / entry.name
            if not entry.name.startswith("lesion_lab") and not link.exists():
                link.symlink_to(entry)
    for room in ("app", "engine", "pyproject.toml"):
        (folder / room).symlink_to(ROOT / room)
    return folder


def test_a_checkout_that_is_not_installed_has_a_version(uninstalled: Path) -> None:
    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(uninstalled)}
        command = [sys.executable, "-S", "-P", *arguments]
        return subprocess.run(command, env=environment, cwd=uninstalled, capture_output=True, text=True, check=False)

    done = python("-m", "app.cli", "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip().endswith("+checkout")
    assert done.stdout[0].isdigit()
    told = python("-c", "from app import own_faults; print(own_faults.report(ZeroDivisionError('a\\x1bb')))")
    assert "a fault in Lesion itself (ZeroDivisionError: a␛b); the traceback is in " in told.stdout
    kept = Path(told.stdout.strip().rpartition(" ")[2])
    assert "ZeroDivisionError" in kept.read_text()
    kept.unlink()
