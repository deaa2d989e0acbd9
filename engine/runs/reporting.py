"""The report of a run that has ended, made by a process of its own: whatever becomes of it, the run is not touched."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from engine.runs.processes import command, environment

_TICK = 0.05
_MODULE = "engine.analysis.reports"


def write_report(run: Path, given_up: Callable[[], bool]) -> str:
    """Write report.md and report.json beside the journal, unless the run's profile does not want them.

    Returns why there are none, or nothing where all is well. Where `given_up` says so, no report is waited for any
    longer."""
    try:
        process = subprocess.Popen(
            command(_MODULE, str(run.resolve())),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        return _why(run, f"it cannot be started: {error.strerror}")
    with process:
        while process.poll() is None:
            if given_up():
                process.kill()
                return _why(run, "the run was asked to stop")
            time.sleep(_TICK)
        said = process.stderr.read().decode(errors="replace").strip() if process.stderr else ""
    if process.returncode == 0:
        return ""
    return _why(run, said.rpartition("\n")[2] or f"its process ended with status {process.returncode}")


def _why(run: Path, reason: str) -> str:
    return f"no report was written: {reason}; lesion analyze {run.name} makes one"
