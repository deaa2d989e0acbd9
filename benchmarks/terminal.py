"""A program in a pseudo-terminal, as a person at a keyboard has it: keys go in with gaps between them, and what the
program paints comes back with the time at which it came."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[P_^][^\x1b]*\x1b\\|[ -/]*[0-~])")
_STEP = 0.002  # seconds between two looks at what was painted


class Terminal:
    """A running program and everything it has painted; leave the `with` block and it is gone.

    Args:
        command: the program and its arguments.
        size: (columns, rows).
        variables: environment variables that differ from this process's own.
    """

    def __init__(
        self, command: Sequence[str], size: tuple[int, int] = (120, 40), variables: Mapping[str, str] | None = None
    ) -> None:
        self._end, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._painted: list[tuple[float, str]] = []
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(variables or {})},
        )
        os.close(other)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        os.close(self._end)

    def press(self, keys: Iterable[str], gap: float = 0.0) -> None:
        """Sends keys, each a string of what a keyboard sends for it, `gap` seconds apart; with no gap all at once."""
        if not gap:
            os.write(self._end, "".join(keys).encode())
            return
        for key in keys:
            os.write(self._end, key.encode())
            time.sleep(gap)

    @property
    def mark(self) -> int:
        """How much was painted so far; `text` and `shows` can start there."""
        return len(self._painted)

    def text(self, since: int = 0) -> str:
        """What was painted from a mark on, in the order in which it came, without what moves and colours."""
        return _ESCAPES.sub("", "".join(piece for _, piece in self._painted[since:]))

    def shows(self, wanted: str, since: int = 0) -> float:
        """Waits until a text was painted in one go from a mark on; when it came, by `time.perf_counter`.

        Raises ProcessLookupError when the program ends before.
        """
        while wanted not in self.text(since):
            self._alive(wanted)
            time.sleep(_STEP)
        for place in range(since, self.mark):
            if wanted in _ESCAPES.sub("", "".join(piece for _, piece in self._painted[since : place + 1])):
                return self._painted[place][0]
        raise AssertionError("what was painted is not forgotten")

    def exists(self, path: Path) -> None:
        """Waits until the program has written a file. Raises ProcessLookupError when it ends before."""
        while not path.exists():
            self._alive(str(path))
            time.sleep(_STEP)

    def ended(self) -> int:
        """Waits until the program ends by itself; its exit status."""
        status = self.process.wait()
        self._reader.join()
        return status

    def processor_seconds(self) -> float:
        """Processor time of the program so far, without that of processes it started (Linux)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _alive(self, wanted: str) -> None:
        if self.process.poll() is not None and not self._reader.is_alive() and wanted not in self.text():
            raise ProcessLookupError(f"the program ended before {wanted!r} came:\n{self.text()[-2000:]}")

    def _read(self) -> None:
        """Keeps what comes until the program and all that hold its terminal are gone."""
        pending = b""
        while True:
            ready, _, _ = select.select([self._end], [], [], 0.1)
            if not ready:
                if self.process.poll() is not None:
                    return
                continue
            try:
                pending += os.read(self._end, 1 << 16)
            except OSError:
                return
            now = time.perf_counter()
            text, pending = _whole(pending)
            self._painted.append((now, text))


def _whole(painted: bytes) -> tuple[str, bytes]:
    """As much of it as is whole characters, and the beginning of the next one."""
    for cut in range(len(painted), max(len(painted) - 4, -1), -1):
        try:
            return painted[:cut].decode(), painted[cut:]
        except UnicodeDecodeError:
            continue
    return painted.decode(errors="replace"), b""
