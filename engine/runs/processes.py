"""How Lesion starts its own modules as processes."""

import os
import sys
from pathlib import Path


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this installation; -P keeps files of the current folder from shadowing any."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """The environment in which `command` finds this very installation, be it a checkout that is not installed.

    Threads of a process wait for one another asleep, unless the environment says otherwise: those that wait in a loop
    gain little on an idle host, and on a busy one several of them are many times slower than one alone. CUDA counts
    GPUs in the order of the bus, as nvidia-smi and engine.runs.gpus do; by itself it puts the fastest first.
    """
    known = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    root = Path(__file__).resolve().parents[2]
    if root.name in ("site-packages", "dist-packages"):
        return known
    path = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**known, "PYTHONPATH": os.pathsep.join(path)}
