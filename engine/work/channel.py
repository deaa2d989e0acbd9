"""JSON lines to and from the process that started this one, kept apart from whatever libraries read and print."""

import os
import queue
import sys
import threading
from collections.abc import Mapping

from engine.record.lines import encode


class Channel:
    """Takes stdin and stdout for itself (see `isolate`), and reads ahead.

    Should the other side close its end, the process exits at once, whatever it is doing: nobody is left to read the
    result.
    """

    def __init__(self) -> None:
        requests, self._answers = isolate()
        self._inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(requests,), daemon=True).start()

    def receive(self) -> bytes:
        """The next line, waiting for it."""
        return self._inbox.get()

    def send(self, answer: Mapping[str, object]) -> None:
        """Write one line. Floats that are not finite become the strings "nan", "inf" and "-inf"."""
        line = encode(answer)
        try:
            while line:
                line = line[os.write(self._answers, line) :]
        except OSError:
            leave(1)

    def _read(self, requests: int) -> None:
        with os.fdopen(requests, "rb") as stream:
            for line in stream:
                if line.strip():
                    self._inbox.put(line)
        leave(0)


def isolate() -> tuple[int, int]:
    """Private copies of the descriptors of stdin and stdout, for the protocol alone.

    Descriptor 1 is pointed at stderr, so a library that prints cannot corrupt an answer, and descriptor 0 at /dev/null,
    so that none can eat a request.
    """
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def leave(status: int) -> None:
    """End the process now: no cleanup can hang on a device or on a thread that still reads."""
    sys.stderr.flush()
    os._exit(status)
