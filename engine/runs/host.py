"""Main memory: the host's, or as much of it as the container that this process runs in may use. Nothing here loads
torch."""

from collections.abc import Iterator
from pathlib import Path

import psutil

_GROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def main_memory(groups: Path = _GROUPS, membership: Path = _MEMBERSHIP) -> tuple[int, int]:
    """Bytes of main memory that are free, and that there are: the least that the host and every control group around
    this process (cgroup v2 and v1, as containers, Slurm and systemd set them) leave. What files occupy counts as free,
    for the kernel gives it back."""
    host = psutil.virtual_memory()
    free, total = int(host.available), int(host.total)
    for limit, used in _limits(groups, membership):
        total = min(total, limit)
        free = min(free, max(0, limit - used))
    return free, total


def _limits(groups: Path, membership: Path) -> Iterator[tuple[int, int]]:
    """(limit, bytes in use) of every control group that has a limit, from this process's own up to the root."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        version_2 = not controllers
        if not version_2 and "memory" not in controllers.split(","):
            continue
        root = groups if version_2 else groups / "memory"
        own = root / path.lstrip("/")
        for folder in (own, *own.parents):
            if limit_and_use := _read_v2(folder) if version_2 else _read_v1(folder):
                yield limit_and_use
            if folder == root:
                break


def _read_v2(folder: Path) -> tuple[int, int] | None:
    return _read(folder, "memory.max", "memory.current", ("active_file", "inactive_file"))


def _read_v1(folder: Path) -> tuple[int, int] | None:
    files = ("total_active_file", "total_inactive_file")
    return _read(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", files)


def _read(folder: Path, limit: str, used: str, files: tuple[str, ...]) -> tuple[int, int] | None:
    """None where there is no such group, or no limit ("max"; in v1 a limit beyond any memory, which does no harm)."""
    try:
        bound = int((folder / limit).read_text())
        counted = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return bound, int((folder / used).read_text()) - sum(int(counted.get(name, 0)) for name in files)
    except (OSError, ValueError):
        return None
