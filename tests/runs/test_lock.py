"""The lock on a run: one holder at a time whatever the file system and the clocks, and no error but in words."""

import errno
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.errors import LesionError
from engine.record.events import StartEvent
from engine.runs import heartbeat, status
from engine.runs.journal import Journal
from engine.runs.lock import Lock, LockLostError, is_held, read_holder
from tests.runs.conftest import hold
from tests.runs.refusing import can_refuse

ROOT = Path(__file__).parents[2]
YEAR = 365 * 86400.0

needs_refusal = pytest.mark.skipif(not can_refuse(), reason="the kernel does not let calls be refused here")


def elsewhere(run: Path, number: int = 1) -> Path:
    """The claim of a runner on another host."""
    owner = {"host": "elsewhere", "pid": os.getpid(), "started": time.time(), "place": "elsewhere", "birth": "1"}
    path = run / f"lock.{number}"
    path.write_text(json.dumps(owner))
    return path


def test_second_runner_is_told_who_has_the_run(run: Path) -> None:
    process = hold(run)
    try:
        assert is_held(run)
        with pytest.raises(LesionError, match=rf"process {process.pid} on host {socket.gethostname()}"):
            Lock(run)
    finally:
        process.kill()
        process.wait()
    assert not is_held(run)
    holder = read_holder(run)
    assert holder is not None
    assert holder.pid == process.pid
    lock = Lock(run)
    assert is_held(run)
    lock.release()
    assert not is_held(run)
    assert read_holder(run) is None


def test_a_process_of_the_same_number_is_not_the_one_that_crashed(run: Path) -> None:
    Lock(run).release()
    lock = Lock(run)
    claim = run / "lock.2"
    owner = json.loads(claim.read_text())
    lock.release()
    claim.write_text(json.dumps(owner | {"birth": "1"}))
    assert not is_held(run)
    claim.write_text(json.dumps(owner))
    assert is_held(run)


def test_asking_does_not_hinder_taking_the_lock(run: Path) -> None:
    """A runner starts while a console asks over and over whether one does."""
    imports = "import sys; from pathlib import Path; from engine.runs.lock import is_held"
    ask = f"{imports}\nwhile True: is_held(Path(sys.argv[1]))"
    Lock(run).release()
    askers = [subprocess.Popen([sys.executable, "-c", ask, str(run)]) for _ in range(2)]
    try:
        time.sleep(0.5)
        for _ in range(50):
            Lock(run).release()
    finally:
        for asker in askers:
            asker.kill()
            asker.wait()


@pytest.mark.parametrize("without", [["flock=ENOLCK"], ["flock=ENOSYS", "link=EPERM"]], ids=["locks", "links too"])
@needs_refusal
def test_never_two_holders_on_a_file_system_without(tmp_path: Path, without: list[str]) -> None:
    """A dozen processes race for the lock, some are killed while they have it."""
    (tmp_path / "run").mkdir()
    race = [sys.executable, "-m", "tests.runs.racing", str(tmp_path / "run"), "12", "8", *without]
    done = subprocess.run(race, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == f"{12 * 8} 0\n", done.stderr


def test_one_holder_where_the_file_system_has_locks(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    race = [sys.executable, "-m", "tests.runs.racing", str(tmp_path / "run"), "12", "4"]
    done = subprocess.run(race, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == f"{12 * 4} 0\n", done.stderr


@pytest.mark.parametrize("off", [-YEAR, 0.0, YEAR])
def test_the_runner_of_another_host_keeps_the_run_whatever_its_clock_says(run: Path, off: float) -> None:
    """Its sign of life is a year behind or ahead, but goes on."""
    claim = elsewhere(run)
    begun = time.time_ns() + int(off * 1e9)
    os.utime(claim, ns=(begun, begun))
    script = """
import os, sys, time
while True:
    time.sleep(0.5)
    mtime = os.stat(sys.argv[1]).st_mtime_ns + 500_000_000
    os.utime(sys.argv[1], ns=(mtime, mtime))
"""
    beating = subprocess.Popen([sys.executable, "-c", script, str(claim)])
    try:
        with pytest.raises(LesionError, match=f"process {os.getpid()} on host elsewhere"):
            Lock(run)
        is_held(run)
        time.sleep(1.5)
        assert is_held(run)
    finally:
        beating.kill()
        beating.wait()


@pytest.mark.parametrize("off", [-YEAR, 0.0, YEAR])
def test_a_run_abandoned_on_another_host_is_free_whatever_its_clock_said(
    run: Path, off: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SILENT_SECONDS", 1.5)
    monkeypatch.setattr(heartbeat, "_GLANCE_SECONDS", 0.5)
    claim = elsewhere(run)
    begun = time.time_ns() + int(off * 1e9)
    os.utime(claim, ns=(begun, begun))
    assert is_held(run) == (off == 0.0)  # the first look has the file system's clock alone
    time.sleep(1.6)
    assert not is_held(run)
    lock = Lock(run)
    assert is_held(run)
    lock.check()
    lock.release()


def test_the_lock_file_of_earlier_versions(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another host it counts while the run's events grow; of this host only while it is locked."""
    monkeypatch.setattr(heartbeat, "SILENT_SECONDS", 1.5)
    journal = Journal(run)
    journal.note(StartEvent(event="started", total=7, pid=1, host="elsewhere"))
    journal.close()
    owner = {"host": "elsewhere", "pid": os.getpid(), "started": time.time()}
    (run / "lock").write_text(json.dumps(owner))
    assert status(run).state == "running"
    time.sleep(1.6)
    assert status(run).state == "crashed"
    (run / "lock").write_text(json.dumps(owner | {"host": socket.gethostname()}))
    assert not is_held(run)
    Lock(run).release()
    assert read_holder(run) is None


def test_a_runner_that_lost_its_lock_is_told(run: Path) -> None:
    lock = Lock(run)
    lock.check()
    elsewhere(run, 2)
    with pytest.raises(LockLostError, match=r"being run by process \d+ on host elsewhere.*silent for too long"):
        lock.check()
    (run / "lock.2").unlink()
    lock.check()
    (run / "lock.1").unlink()
    with pytest.raises(LockLostError, match=r"the lock of run \S+ was deleted while it ran"):
        lock.check()
    lock.release()


def test_a_holder_shows_signs_of_life(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.05)
    lock = Lock(run)
    first = (run / "lock.1").stat().st_mtime_ns
    while (run / "lock.1").stat().st_mtime_ns == first:
        time.sleep(0.05)
    lock.release()
    assert [path.name for path in run.iterdir() if "lock" in path.name or "now" in path.name] == ["lock.1"]


@pytest.mark.parametrize("error", ["EIO", "ESTALE", "EACCES"])
@needs_refusal
def test_what_keeps_a_lock_from_being_asked_is_a_sentence(run: Path, error: str) -> None:
    """The command in a process whose every flock fails."""
    Lock(run).release()
    script = f"""
import errno, sys
from tests.runs.refusing import refuse
refuse({{"flock": errno.{error}}})
from app.cli import main
sys.exit(main())
"""
    words = os.strerror(getattr(errno, error))
    for arguments in (["stop", str(run)], ["resume", str(run)]):
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 2, done.stderr
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1
