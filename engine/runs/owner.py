"""Which process is meant by a number: of which boot of which host, in which container, and born when."""

import socket
from contextlib import suppress
from functools import cache
from pathlib import Path


@cache
def place() -> str:
    """Where the process numbers seen here are valid: this host since it was booted, and this container. No clock is in
    it, so that setting one changes nothing."""
    parts = [socket.gethostname()]
    with suppress(OSError):  # elsewhere than on Linux
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def birth(pid: int) -> str | None:
    """What tells the process that has a number here from any other that had it or will; None where none lives."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        state, threads, start = fields[0], int(fields[17]), fields[19]  # clock ticks from boot to start
        over = state in "ZX" and threads <= 1  # of a process that is being killed, the first thread may end first
        return None if over else start
    except OSError:
        return _birth_by_psutil(pid) if not Path("/proc/self/stat").exists() else None


def _birth_by_psutil(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
    except psutil.Error:
        return None
