"""The lock on a run: one runner at a time, on whatever file system the results lie."""

import errno
import fcntl
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from engine import files
from engine.errors import LesionError
from engine.runs.directory import EVENTS, LOCK
from engine.runs.lines import last_line, parse

ALIVE_SECONDS = 30.0
"""A run on another host counts as alive while its last event is younger than this: a runner writes one every 2 s."""

_PATIENCE = 2.0  # whoever asks whether a run is locked holds the lock for an instant
_UNSUPPORTED = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class Lock:
    """Held by the runner for its whole life; the system lets go of it when the process ends, however it ends."""

    def __init__(self, run: Path) -> None:
        """Take the lock. Raises LesionError naming host and process of the runner that has it."""
        self._run = run
        try:
            self._file = files.descriptor(run / LOCK, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise LesionError(f"run {run} cannot be written: {LOCK}: {error.strerror}") from error
        if not self._take():
            os.close(self._file)
            holder = read_holder(run)
            where = f"process {holder.get('pid', 'unknown')} on host {holder.get('host', 'unknown')}"
            raise LesionError(f"run {run.name} is being run by {where}: attach to it, or stop it first")
        try:
            os.ftruncate(self._file, 0)
            holder = {"host": socket.gethostname(), "pid": os.getpid(), "started": time.time()}
            os.pwrite(self._file, json.dumps(holder).encode() + b"\n", 0)
        except OSError as error:
            os.close(self._file)
            raise LesionError(f"run {run} cannot be written: {error.strerror}") from error

    def release(self) -> None:
        """Give the lock back."""
        os.ftruncate(self._file, 0)
        os.close(self._file)

    def _take(self) -> bool:
        until = time.monotonic() + _PATIENCE
        while (free := _flock(self._file, fcntl.LOCK_EX)) is False and time.monotonic() < until:
            time.sleep(0.02)
        return free is not False and not _alive_by_record(self._run, locks=free is not None)


def is_held(run: Path) -> bool:
    """Whether a runner has the run, here or on another host. Raises LesionError when its lock cannot be read."""
    try:
        file = files.descriptor(run / LOCK)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise LesionError(f"{run / LOCK} cannot be read: {error.strerror}") from error
    try:
        free = _flock(file, fcntl.LOCK_SH)
        return free is False or _alive_by_record(run, locks=free is not None)
    finally:
        os.close(file)


def read_holder(run: Path) -> dict[str, Any]:
    """Who has the run, or had it when it crashed: host, pid, started (Unix seconds); empty when nobody."""
    try:
        return parse(files.read_bytes(run / LOCK)) or {}
    except OSError:
        return {}


def _flock(file: int, kind: int) -> bool | None:
    """Whether the lock was free and is now taken; None where the file system has no locks."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return None
        raise
    return True


def _alive_by_record(run: Path, *, locks: bool) -> bool:
    """Whether the runner named in the lock file lives although nothing is locked here.

    `locks`: the file system has locks, so that this host's own runner is known to be gone; those of other hosts may
    not reach here, and their events are asked instead.
    """
    holder = read_holder(run)
    if not holder:
        return False
    if holder.get("host") == socket.gethostname():
        return not locks and _process_alive(holder)
    event = parse(last_line(run / EVENTS)) or {}
    return event.get("event") != "state" and time.time() - float(event.get("t", 0)) < ALIVE_SECONDS


def _process_alive(holder: dict[str, Any]) -> bool:
    import psutil

    try:
        process = psutil.Process(int(holder["pid"]))
        # A process younger than the lock has only inherited the number of the one that wrote it.
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= float(holder["started"]) + 1
    except (psutil.Error, KeyError, TypeError, ValueError):
        return False
