"""Opening the nursery, for a process that starts tests."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from engine.runs.processes import environment

NURSERY = "LESION_TESTS_NURSERY"
"""The variable that says where it is; without it workers load everything themselves."""
WARM = Path(__file__).parent


def opened() -> Callable[[], None]:
    """Start it, and have all processes that are started from here on ask it; returns what closes it."""
    folder = Path(tempfile.mkdtemp(prefix="lesion-nursery-"))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(WARM), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-P", str(WARM / "nursery.py"), str(folder / "socket")]
    own = {**environment(), "OMP_NUM_THREADS": "1"}
    with (folder / "log").open("wb") as log:
        nursery = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=own)
    os.environ[NURSERY] = str(folder / "socket")

    def close() -> None:
        assert nursery.stdin is not None
        nursery.stdin.close()
        nursery.wait()

    return close
