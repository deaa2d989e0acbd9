"""The environment that Lesion's processes run in."""

import json
import subprocess
import sys

import pytest

from engine.runs.processes import environment

PRINT = "import os, json, engine; print(json.dumps([os.environ['OMP_WAIT_POLICY'], os.environ.get('MARK')]))"


def seen() -> list[str | None]:
    """The wait policy and the mark, as a process that finds the engine sees them."""
    found = subprocess.run([sys.executable, "-P", "-c", PRINT], env=environment(), capture_output=True, check=True)
    values: list[str | None] = json.loads(found.stdout)
    return values


def test_threads_wait_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("MARK", "kept")
    assert seen() == ["PASSIVE", "kept"]


def test_what_the_user_says_of_waiting_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert seen()[0] == "ACTIVE"
