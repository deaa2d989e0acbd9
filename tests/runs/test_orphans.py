"""Processes with torch do not outlive the process they work for, even while they still load their libraries."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.profile import to_toml
from engine.runs import create, start
from engine.runs.processes import environment
from tests.runs.conftest import small_profile

SPINNING = """
import os, pathlib
path = pathlib.Path(os.environ["SPINNING"])
path.with_suffix(".new").write_text(str(os.getpid()))
path.with_suffix(".new").rename(path)
while True:
    pass
"""

ASK = """
import sys, tomllib
from pathlib import Path
from engine.profile import parse
from engine.runs.survey import survey
survey(parse(tomllib.loads(sys.argv[1]), "test", Path()))
"""


class Spinner:
    """A process whose `import torch` never comes to an end, wherever it is started from now on."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def wait(self) -> psutil.Process:
        """The process, once it is in that import."""
        while not self._file.exists():
            time.sleep(0.02)
        return psutil.Process(int(self._file.read_text()))


@pytest.fixture
def spinner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spinner]:
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "torch.py").write_text(SPINNING)
    file = tmp_path / "spinning"
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "slow"))
    monkeypatch.setenv("SPINNING", str(file))
    yield Spinner(file)
    if file.exists() and psutil.pid_exists(process := int(file.read_text())):
        os.kill(process, signal.SIGKILL)


def ended(process: psutil.Process) -> bool:
    """Whether it is gone, or waits for nothing but its parent's notice."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kill_and_wait(parent: "subprocess.Popen[bytes]", child: psutil.Process) -> None:
    """kill -9 of the parent, and then as long as it takes until the child is gone too."""
    assert not ended(child)
    parent.kill()
    parent.wait()
    while not ended(child):
        time.sleep(0.02)


def test_a_worker_in_its_imports_ends_with_its_runner(spinner: Spinner, tmp_path: Path) -> None:
    runner = start(create(small_profile(), tmp_path / "results", source=None))
    kill_and_wait(runner, spinner.wait())


def test_a_survey_in_its_imports_ends_with_whoever_asked(spinner: Spinner) -> None:
    asker = subprocess.Popen([sys.executable, "-c", ASK, to_toml(small_profile())], env=environment())
    kill_and_wait(asker, spinner.wait())
