"""A run of bundled models that were trained anew since: neither gone on with nor repeated, and said in a sentence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.runs import read_trials

pytestmark = pytest.mark.slow

RECORDED = Path(__file__).parent / "retrained"
SAYS = "the weights of model petri-4k are not those that run "
MEND = "the bundled models may be trained anew; use the Lesion that made the run, or run its profile again"


def lesion(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.cli", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, env=environment, cwd=RECORDED.parents[2], capture_output=True, text=True, check=False
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy of the run, three of its five trials recorded, in a results folder of its own."""
    copy = shutil.copytree(RECORDED, tmp_path / "20261126-0500-former-b6ca")
    for name, kept in (("trials.jsonl", 3), ("events.jsonl", 1)):
        lines = (copy / name).read_text().splitlines(keepends=True)
        (copy / name).write_text("".join(lines[:kept]))
    return copy


@pytest.mark.parametrize("command", ["resume", "replay"])
def test_it_is_refused(run: Path, command: str) -> None:
    before = (run / "trials.jsonl").read_bytes()
    done = lesion(command, run, "--quiet", "--results", run.parent)
    assert done.returncode == 1
    assert SAYS in done.stderr
    assert MEND in done.stderr
    assert (run / "trials.jsonl").read_bytes() == before
    assert all(not read_trials(other) for other in run.parent.iterdir() if other != run)


def test_it_is_read_as_ever(run: Path) -> None:
    done = lesion("export", run, "--format", "csv", "--results", run.parent)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 4
