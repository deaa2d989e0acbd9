"""Signs of life across hosts whose clocks may disagree: a file is touched over and over, and others see it change."""

import os
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine import files

BEAT_SECONDS = 2.0

SILENT_SECONDS = 20.0
"""A file that does not change for this long by the observer's own clock is nobody's any more."""

_GLANCE_SECONDS = 6.0  # enough to see it change, where the file system's clock says that it has not for long


class Heartbeat:
    """Touches an open file until it is stopped. The file system's clock is what it shows, not this host's."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """The file may be closed on return."""
        self._stopped.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            with suppress(OSError):  # a disk that fails for a moment; if it fails for long, others take over
                os.utime(self._file)


@dataclass(frozen=True)
class _Seen:
    beat: int
    since: float
    alive: bool


_seen: dict[Path, _Seen] = {}
"""What this process saw of each file last."""


def beats(path: Path, beat: int) -> bool:
    """Whether the file at `path`, last changed at `beat` (st_mtime_ns), is somebody's; answered at once.

    The first look can only compare `beat` with what the file system says is now; from the second on, changes count.
    """
    now = time.monotonic()
    seen = _seen.get(path)
    if seen is None:
        seen = _Seen(beat, now, alive=abs(_age(path.parent, beat)) < SILENT_SECONDS)
    elif beat != seen.beat:
        seen = _Seen(beat, now, alive=True)
    elif now - seen.since > SILENT_SECONDS:
        seen = _Seen(beat, seen.since, alive=False)
    _seen[path] = seen
    return seen.alive


def silence(folder: Path, beat: int) -> float:
    """Seconds in which a file of the folder, last changed at `beat`, has to change once more to be somebody's."""
    return _GLANCE_SECONDS if _age(folder, beat) >= SILENT_SECONDS else SILENT_SECONDS


def _age(folder: Path, beat: int) -> float:
    """Seconds since `beat` by the clock of the folder's file system: that of its server, where it has one."""
    probe = folder / f".now.{secrets.token_hex(4)}"
    try:
        file = files.descriptor(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except OSError:  # it may only be read
        return (time.time_ns() - beat) / 1e9
    try:
        return (os.fstat(file).st_mtime_ns - beat) / 1e9
    finally:
        os.close(file)
        with suppress(OSError):
            probe.unlink()
