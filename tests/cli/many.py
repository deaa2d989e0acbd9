"""The command, many times over: `python -m tests.cli.many` reads a list of argument lists as JSON and writes a list of
[exit status, stdout, stderr]. Each is a process of its own, forked from one in which the libraries are loaded already;
one that does not end within SECONDS has the status None."""

import json
import os
import signal
import sys
import tempfile
import time

import pandas  # noqa: F401 - loaded once for all
import pyarrow.csv  # noqa: F401

import engine.analysis  # noqa: F401
from app.cli import main

SECONDS = 90


def run(arguments: list[str]) -> tuple[int | None, str, str]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.setsid()
            for standard, file in ((0, os.open(os.devnull, os.O_RDONLY)), (1, out.fileno()), (2, err.fileno())):
                os.dup2(file, standard)
            sys.argv = ["lesion", *arguments]
            main()  # ends the process
        status = waited(child)
        for answer in (out, err):
            answer.seek(0)
        return status, out.read().decode(errors="replace"), err.read().decode(errors="replace")


def waited(child: int) -> int | None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


if __name__ == "__main__":
    json.dump([run(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
