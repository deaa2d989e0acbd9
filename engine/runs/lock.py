"""The lock on a run: one runner at a time, on whatever file system the results lie.

Who has the run has made the claim `lock.N` of the highest N. A claim is made by linking it into place with its owner
written in it, which fails where there is one of that name, and only when the claim before it is given back or its
owner is gone. So of any number that try at once, one makes the next claim. A claim given back stays, marked as free.
"""

import errno
import fcntl
import json
import os
import re
import secrets
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine import files
from engine.errors import LesionError
from engine.record.directory import EVENTS, LOCK
from engine.record.lines import is_full, unwritten
from engine.record.owner import Owner, read_owner
from engine.runs.heartbeat import Heartbeat, beats, silence
from engine.runs.owner import birth, place

_CLAIM = re.compile(rf"{LOCK}\.(\d{{1,15}})")
_DRAFT = f".{LOCK}."
_LONGEST = 4096  # bytes of a claim that are read
_FREE = b'{"free": true}'
_LOOKS = 20
_LOOK_SECONDS = 0.05

_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


class LockLostError(LesionError):
    """Another runner has the run, or the lock was deleted: nothing of the run may be written any more."""


@dataclass(frozen=True)
class _Claim:
    """A claim as it was read. `beat`: when its owner's sign of life, the file `sign`, changed last (st_mtime_ns)."""

    generation: int
    owner: Owner
    free: bool
    locked: bool | None
    """Whether the system knows of its owner's lock; None where the file system has no locks."""
    sign: Path
    beat: int

    @property
    def lives(self) -> bool | None:
        """Whether its owner does; None where only its sign of life can tell, as of one on another host."""
        if self.free or self.locked:
            return bool(self.locked)
        if self.owner.place == place():
            pid = self.owner.pid
            return pid is not None and birth(pid) is not None and birth(pid) == self.owner.birth
        earlier_version = self.generation == 0 and self.locked is False
        return False if earlier_version and self.owner.host == socket.gethostname() else None


class Lock:
    """Held by the runner for its whole life; others see when it ends, however it ends."""

    def __init__(self, run: Path) -> None:
        """Take the lock. Raises LesionError naming host and process of the runner that has it.

        Where a runner on another host had it and ended without giving it back, this takes up to SILENT_SECONDS.
        """
        self._run = run
        try:
            while True:
                before = _top(run)
                if before is not None and (before.lives or (before.lives is None and _beats_on(run, before))):
                    raise LesionError(_taken(run, before))
                if self._claim(before.generation + 1 if before else 1):
                    break
            self._tidy()
        except OSError as error:
            if is_full(error):
                raise unwritten("the lock", run, error) from error
            raise LesionError(f"run {run} cannot be locked: {_words(error)}") from error
        self._heartbeat = Heartbeat(self._file)

    def check(self) -> None:
        """Raises LockLostError where the lock is no longer this one's: someone deleted it, or this process was
        suspended for so long that another host took the run for abandoned."""
        name = self._run.name
        try:
            top = _top(self._run)
            if top is not None and top.generation > self._generation:
                raise LockLostError(f"{_taken(self._run, top)}; this one was silent for too long, and ends")
            if not os.path.samestat(os.fstat(self._file), self._path.lstat()):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        except OSError as error:
            why = f"the lock of run {name} was deleted while it ran, or cannot be read ({_words(error)})"
            raise LockLostError(f"{why}: lesion resume {name} goes on") from error

    def release(self) -> None:
        """Give the lock back."""
        self._heartbeat.stop()
        with suppress(OSError):
            size = os.fstat(self._file).st_size
            os.pwrite(self._file, _FREE.ljust(size - 1) + b"\n", 0)  # in the room it has: the disk may be full
        os.close(self._file)

    def _claim(self, generation: int) -> bool:
        """Make the claim of this number; False where another has it, or a higher one."""
        path = self._run / f"{LOCK}.{generation}"
        file = _make(path)
        if file is None:
            return False
        if max(_generations(self._run), default=0) > generation:  # this was a late look
            os.close(file)
            path.unlink(missing_ok=True)
            return False
        self._file, self._path, self._generation = file, path, generation
        return True

    def _tidy(self) -> None:
        """Delete what is of no more use. The claim before stays: whoever looks at this instant sees one of the two."""
        names = [path.name for path in self._run.iterdir()]
        old = [name for name in names if (number := _number(name)) is not None and number < self._generation - 1]
        for name in (*old, *(name for name in names if name.startswith(_DRAFT))):
            with suppress(OSError):
                (self._run / name).unlink()


def is_held(run: Path) -> bool:
    """Whether a runner has the run, here or on another host. Raises LesionError when its lock cannot be read."""
    try:
        top = _top(run)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise LesionError(f"the lock of run {run.name} cannot be read: {_words(error)}") from error
    if top is None:
        return False
    lives = top.lives
    return beats(top.sign, top.beat) if lives is None else lives


def read_holder(run: Path) -> Owner | None:
    """Who has the run, or had it when it crashed; None when nobody."""
    try:
        top = _top(run)
    except OSError:
        return None
    return None if top is None or top.free else top.owner


def _generations(run: Path) -> list[int]:
    return [number for path in run.iterdir() if (number := _number(path.name)) is not None]


def _number(name: str) -> int | None:
    """The number of a claim; 0 of the lock file that earlier versions made; None of any other file."""
    claim = _CLAIM.fullmatch(name)
    return int(claim[1]) if claim else 0 if name == LOCK else None


def _top(run: Path) -> _Claim | None:
    """The claim that counts; None where none was ever made. Raises OSError where it cannot be read."""
    for look in range(_LOOKS, 0, -1):
        generation = max(_generations(run), default=None)
        if generation is None:
            return None
        try:
            return _read(run, generation)
        except OSError as error:
            if look == 1 or error.errno not in (errno.ENOENT, errno.ESTALE):
                raise
        time.sleep(_LOOK_SECONDS)  # it was replaced by the next in this instant
    return None


def _read(run: Path, generation: int) -> _Claim:
    path = run / (f"{LOCK}.{generation}" if generation else LOCK)
    file = files.descriptor(path)
    try:
        content = os.pread(file, _LONGEST, 0)
        unlocked = _flock(file, fcntl.LOCK_SH)
        beat = os.fstat(file).st_mtime_ns
    finally:
        os.close(file)
    owner = read_owner(content)
    locked = None if unlocked is None else not unlocked
    if generation:
        return _Claim(generation, owner, owner.free is True, locked, path, beat)
    events = run / EVENTS  # what a runner of an earlier version keeps touching
    beat = events.lstat().st_mtime_ns if files.is_plain(events) else 0
    return _Claim(0, owner, not content.strip(), locked, events, beat)


def _beats_on(run: Path, claim: _Claim) -> bool:
    """Whether a claim shows a sign of life, waiting for it as long as one can be late."""
    until = time.monotonic() + silence(run, claim.beat)
    while time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        top = _top(run)
        if top is None or top.generation != claim.generation or top.free:
            return False
        if top.locked or top.beat != claim.beat:
            return True
    return False


def _make(path: Path) -> int | None:
    """A new claim, open and locked, that from the first moment names its owner; None where there is one already."""
    draft = path.with_name(f"{_DRAFT}{secrets.token_hex(8)}")
    file = _written(draft)
    try:
        os.link(draft, path)
        return file
    except OSError as error:
        if os.fstat(file).st_nlink > 1:  # the answer got lost on the network, and this is the one to a second request
            return file
        os.close(file)
        if isinstance(error, FileExistsError | FileNotFoundError):  # another was first, and may have tidied up
            return None
        if error.errno not in _NO_LINKS:
            raise
    finally:
        draft.unlink(missing_ok=True)
    try:
        return _written(path)
    except FileExistsError:
        return None


def _written(path: Path) -> int:
    """A new file that names this process, locked where the file system has locks. Raises OSError."""
    file = files.descriptor(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    pid = os.getpid()
    owner = Owner(host=socket.gethostname(), pid=pid, started=time.time(), place=place(), birth=birth(pid))
    try:
        _flock(file, fcntl.LOCK_EX)
        os.write(file, json.dumps(owner.encode()).encode() + b"\n")
        os.fsync(file)
    except OSError:
        os.close(file)
        path.unlink(missing_ok=True)
        raise
    return file


def _flock(file: int, kind: int) -> bool | None:
    """Whether the lock was free and is now taken; None where the file system has no locks."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        raise
    return True


def _taken(run: Path, claim: _Claim) -> str:
    pid = "unknown" if claim.owner.pid is None else claim.owner.pid
    where = f"process {pid} on host {claim.owner.host or 'unknown'}"
    return f"run {run.name} is being run by {where}: attach to it, or stop it first"


def _words(error: OSError) -> str:
    return f"{Path(error.filename).name}: {error.strerror}" if error.filename else str(error.strerror)
