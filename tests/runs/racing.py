"""Many processes race for the lock of one run: `python -m tests.runs.racing RUN PROCESSES ROUNDS CALL=ERRNO…`.

Each takes it again and again; some are killed while they have it. A lock of another kind, on another file, tells
whether ever two had it at once. Prints how often it was taken, and how often by two.
"""

import errno
import fcntl
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from engine.errors import LesionError
from engine.runs.lock import Lock
from tests.runs.refusing import refuse


def main() -> None:
    run, processes, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    refuse({call: getattr(errno, error) for call, error in (given.split("=") for given in sys.argv[4:])})
    children = [_forked(run, number, rounds) for number in range(processes)]
    for child in children:
        os.waitpid(child, 0)
    said = (run.parent / "said").read_text()
    print(said.count("one"), said.count("two"))


def _forked(run: Path, number: int, rounds: int) -> int:
    """A process that lets others, one after another, take the lock."""
    if child := os.fork():
        return child
    chance = random.Random(number)
    for _ in range(rounds):
        killed, pause = chance.random() < 0.3, chance.uniform(0, 0.003)
        holder = os.fork()
        if holder == 0:
            _hold(run, pause, killed=killed)
        os.waitpid(holder, 0)
    os._exit(0)


def _hold(run: Path, pause: float, *, killed: bool) -> None:
    lock = None
    while lock is None:
        with suppress(LesionError):
            lock = Lock(run)
        time.sleep(0.002)
    witness = os.open(run.parent / "witness", os.O_RDWR | os.O_CREAT)
    said = os.open(run.parent / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        fcntl.lockf(witness, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(said, b"one\n")
    except OSError:
        os.write(said, b"two\n")
    time.sleep(pause)
    if killed:
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(witness)
    lock.release()
    os._exit(0)


if __name__ == "__main__":
    main()
