"""kill -9 of the worker, the runner or both, at any moment, and then to the end: as if nothing had happened."""

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from engine.runs import create, start, status
from tests.runs.conftest import busy_profile, kill_all, lasting, resume, trials_done, wait, worker_of

KILLS = 20


@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("own_processes")
def test_killed_twenty_times(finished: Path, tmp_path: Path) -> None:
    chance = random.Random(20260101)
    kills = 0
    while kills < KILLS:  # a lucky run is done before it was killed often enough: then another has to stand the rest
        run = create(busy_profile(), tmp_path, source=None)
        runner: subprocess.Popen[bytes] | None = None
        try:
            while kills < KILLS and status(run).state != "done":
                if runner is None or runner.poll() is not None:
                    runner = start(run)
                wait_a_while(run, chance)
                victims = chance.choice((["worker"], ["runner"], ["worker", "runner"], ["runner", "worker"]))
                kills += kill(run, runner, victims)
            if runner is not None and runner.poll() is None:
                runner.wait()
            resume(run)
        finally:
            kill_all(run)
        assert lasting(run) == lasting(finished)


def wait_a_while(run: Path, chance: random.Random) -> None:
    """Until some moment of loading, or else of measuring and writing."""
    if chance.random() < 0.4:
        time.sleep(chance.uniform(0, 4))
        return
    with suppress(AssertionError):  # it was done before
        wait(run, trials_done(status(run).done + 1))
    time.sleep(chance.uniform(0, 0.4))


def kill(run: Path, runner: "subprocess.Popen[bytes]", victims: list[str]) -> int:
    """Kill them and return how many kills that counts for: none when the run was done already."""
    try:
        worker = worker_of(run)
    except AssertionError:  # it was done before one could look
        return 0
    if runner.poll() is not None:
        return 0
    for victim in victims:
        with suppress(ProcessLookupError):  # the one died of the other's death
            os.kill(worker if victim == "worker" else runner.pid, signal.SIGKILL)
    if "runner" in victims:
        runner.wait()
    return 1
