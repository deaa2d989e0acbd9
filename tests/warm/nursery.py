"""A process that has loaded the libraries of a worker, and forks one whenever a test's process asks for it.

python tests/warm/nursery.py SOCKET: until stdin ends. It loads them when it is first asked.
"""

import gc
import json
import os
import runpy
import select
import shutil
import signal
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.warm.sitecustomize import surroundings

OWN = json.loads(json.dumps(surroundings()))


def main(address: str) -> None:
    """Serve."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        born: dict[int, tuple[int, socket.socket]] = {}  # by the descriptor that tells of its end
        while True:
            waiting: list[Any] = [0, listening, *born, *(asking for _, asking in born.values())]
            for what in select.select(waiting, [], [])[0]:
                if what == 0:
                    return
                if what is listening:
                    _accept(listening.accept()[0], born)
                elif what in born:
                    _tell_end(*born.pop(what), what)
                else:  # who asked is dead, and nobody waits for this one
                    for pid, asking in born.values():
                        if asking is what:
                            with suppress(ProcessLookupError):
                                os.kill(pid, signal.SIGKILL)


def _accept(asking: socket.socket, born: dict[int, tuple[int, socket.socket]]) -> None:
    try:
        _, numbers, _, _ = socket.recv_fds(asking, 1, 3)
        line = asking.makefile("rb").readline()
    except OSError:
        asking.close()
        return
    try:
        asked = json.loads(line) if line.endswith(b"\n") and len(numbers) == 3 else None
        if asked is None or asked["surroundings"] != OWN:
            asking.close()
            return
        _load()
        pid = os.fork()
        if pid == 0:
            _live(asked, numbers)
        born[os.pidfd_open(pid)] = (pid, asking)
        with suppress(OSError):  # who asked is dead: the main loop sees that, too
            asking.sendall(b"born\n")
    finally:
        for number in numbers:
            os.close(number)


def _load() -> None:
    """What every worker or estimator loads, and no random numbers, threads or devices."""
    if "engine.work.bench" not in sys.modules:
        gc.disable()
        import pandas  # noqa: F401
        import scipy.stats  # noqa: F401
        from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM  # noqa: F401

        import engine.analysis.reports.files
        import engine.analysis.statistics.summary
        import engine.work.estimator
        import engine.work.worker  # noqa: F401

        gc.freeze()


def _live(asked: dict[str, Any], numbers: list[int]) -> None:
    """Be what was asked for, in this process that was just forked."""
    os.setsid()
    for own, number in enumerate(numbers):
        os.dup2(number, own)
    os.closerange(3, 1024)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.path[:] = asked["path"]
    gc.enable()
    status = 1
    sys.argv = [asked["module"], *asked["arguments"]]
    try:
        runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _tell_end(pid: int, asking: socket.socket, number: int) -> None:
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(number)
    with suppress(OSError):
        asking.sendall(f"{status}\n".encode())
    asking.close()


if __name__ == "__main__":
    main(sys.argv[1])
    shutil.rmtree(Path(sys.argv[1]).parent)  # whoever opened it may have been killed
