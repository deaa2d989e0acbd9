"""What becomes of a run whose files are deleted under it, and of one whose workers never get ready."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine.record.events import WorkerEvent
from engine.runs import create, start, status
from tests.cli.conftest import COMMAND, ROOT
from tests.runs.conftest import endless_profile, lasting, resume, small_profile, told, trials_done, wait, worker_of


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    return create(endless_profile(), tmp_path / "results", source=None)


def until_ended(process: "subprocess.Popen[bytes]", run: Path, worker: int) -> None:
    """Both have long to end, as the host may be busy, but a trial takes longer."""
    assert process.wait(120) == 1
    assert not psutil.pid_exists(worker) or psutil.Process(worker).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("name", ["trials.jsonl", "generations.jsonl", "events.jsonl"])
def test_a_deleted_journal_ends_the_run_in_the_middle_of_a_trial(endless: Path, name: str) -> None:
    process = start(endless)
    worker = worker_of(endless)
    (endless / name).unlink()
    until_ended(process, endless, worker)
    ended = status(endless)
    assert ended.state == "failed"
    assert ended.text == (
        f"{name} of run {endless.name} was deleted or replaced while it ran: "
        f"bring it back if you can, then lesion resume {endless.name} runs what is missing"
    )


@pytest.mark.parametrize("remove", [shutil.rmtree, lambda run: run.rename(run.parents[1] / "moved")], ids=["rm", "mv"])
def test_a_deleted_or_moved_run_directory_ends_the_run(endless: Path, remove: Callable[[Path], object]) -> None:
    """Also for whoever watches it; nothing makes the directory anew."""
    process = start(endless)
    watch = [*COMMAND, "attach", str(endless)]
    watcher = subprocess.Popen(watch, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watcher.stderr is not None
    assert watcher.stderr.readline()  # it watches
    worker = worker_of(endless)
    remove(endless)
    until_ended(process, endless, worker)
    assert watcher.communicate()[1].splitlines()[-1] == f"lesion: {endless} is gone: its folder was deleted or moved"
    assert watcher.returncode == 2
    assert not endless.exists()
    if (moved := endless.parents[1] / "moved").exists():
        assert status(moved).state == "failed"
        assert "was deleted or moved while it ran" in status(moved).text


def test_a_deleted_lock_ends_the_run_and_leaves_its_files_alone(endless: Path) -> None:
    process = start(endless)
    worker = worker_of(endless)
    (endless / "lock.1").unlink()
    until_ended(process, endless, worker)
    assert status(endless).state == "crashed"
    said = (endless / "runner.log").read_text().splitlines()
    assert said[-1].startswith(f"the lock of run {endless.name} was deleted while it ran, or cannot be read (lock.1:")


def test_a_run_goes_on_after_its_journal_was_brought_back(fresh: Path, finished: Path) -> None:
    process = start(fresh)
    wait(fresh, trials_done(3))
    (fresh / "trials.jsonl").rename(fresh / "kept")
    assert process.wait() == 1
    (fresh / "kept").rename(fresh / "trials.jsonl")
    resume(fresh)
    assert lasting(fresh) == lasting(finished)


def test_a_worker_that_never_gets_ready_is_a_failed_start(tmp_path: Path) -> None:
    """Workers that hang while they load, after a word."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, time\n"
        "if 'engine.work' in sys.orig_argv:\n"
        "    print('waiting for the driver', file=sys.stderr, flush=True)\n"
        "    time.sleep(600)\n"
    )
    run = create(small_profile(run={"threads": 1, "start_seconds": 1.5}), tmp_path / "results", source=None)
    command = [sys.executable, "-P", "-m", "engine.runs.runner", str(run)]
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert status(run).text == (
        "no worker gets ready to run a trial, 3 tries in a row: the worker on cpu gave no sign of life for 1.5 s "
        "before it was ready; its last words: waiting for the driver"
    )
    lost = [one for one in told(run, WorkerEvent) if one.state == "lost"]
    assert len(lost) == 3
