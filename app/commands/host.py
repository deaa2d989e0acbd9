"""What `lesion doctor` finds on this host."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import words
from app.safe import line
from engine.errors import LesionError
from engine.version import version

if TYPE_CHECKING:
    from engine.runs.gpus import Gpu

PACKAGES = (
    *("torch", "transformers", "tokenizers", "safetensors", "accelerate", "bitsandbytes"),
    *("numpy", "numba", "pandas", "textual", "plotext"),
)


def examine(results: Path) -> dict[str, Any]:
    """Everything `lesion doctor --json` prints; sizes in bytes, None where something is not there."""
    import psutil

    from engine.runs.host import main_memory

    free, total = main_memory()
    return {
        "lesion": version(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: _version(name) for name in (*PACKAGES, "gguf")},
        "additions": _additions(),
        "cpu": {
            "name": _processor(),
            "cores": psutil.cpu_count(logical=False),
            "threads": psutil.cpu_count(),
            "usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        },
        "memory": {"total": total, "available": free},
        **_gpus(),
        "results": _results(results),
        "terminal": _terminal(),
    }


def describe(facts: dict[str, Any]) -> Iterator[str]:
    """The findings in lines."""
    size, cpu, memory = words.size, facts["cpu"], facts["memory"]
    yield f"lesion     {facts['lesion']} on Python {facts['python']}, {facts['system']}"
    versions = (f"{name} {version or 'missing'}" for name, version in facts["packages"].items())
    yield f"packages   {', '.join(versions)}"
    if facts["packages"]["gguf"] is None:
        yield "           models in .gguf files need the package gguf: pip install 'lesion-lab[gguf]'"
    yield from _additions_lines(facts["additions"])
    yield f"processor  {cpu['name']}, {cpu['threads']} threads, {cpu['usable']} of them usable"
    yield f"memory     {size(memory['available'])} of {size(memory['total'])} available"
    yield from _gpu_lines(facts)
    yield f"results    {_results_line(facts['results'])}"
    terminal = facts["terminal"]
    yield f"terminal   {terminal['columns']} x {terminal['lines']}, {terminal['colours']}"


def _additions() -> list[dict[str, Any]]:
    """What installed packages add to the catalog, by kind and name, and what is wrong with it."""
    from engine.catalog.plugins import KINDS, packages

    return [
        {"name": package.name, "version": package.version}
        | {kind: [info.name for info in getattr(package.additions, kind)] for kind in KINDS}
        | {"faults": package.faults}
        for package in packages()
    ]


def _additions_lines(added: list[dict[str, Any]]) -> Iterator[str]:
    from engine.catalog.plugins import KINDS, SWITCH

    if os.environ.get(SWITCH):
        yield f"additions  switched off by {SWITCH}"
    for package in added:
        listed = (f"{kind.replace('_', ' ')}: {', '.join(package[kind])}" for kind in KINDS if package[kind])
        yield f"additions  {package['name']} {package['version']} · {' · '.join(listed) or 'nothing'}"
        yield from (f"           {fault}" for fault in package["faults"])


def _gpus() -> dict[str, Any]:
    """The NVIDIA GPUs that a run would see, with their memory in bytes, how many more this host has, and the device
    that "auto" means."""
    from engine.runs import gpus
    from engine.runs.devices import choose

    try:
        every = gpus.listed()
    except LesionError:  # no driver
        every = []
    seen = gpus.visible(every, os.environ.get(gpus.SETTING))
    return {
        "gpus": [_gpu(number, gpu) for number, gpu in enumerate(seen)],
        "gpus_hidden": len(every) - len(seen),
        "device": choose("auto"),
    }


def _gpu(number: int, gpu: Gpu) -> dict[str, Any]:
    from engine.runs import gpus

    which = {"device": f"cuda:{number}", "name": gpu.name, "uuid": gpu.uuid}
    try:
        free, total = gpus.memory(gpu)
    except LesionError:
        return {**which, "total": None, "free": None}
    return {**which, "total": total, "free": free}


def _gpu_lines(facts: dict[str, Any]) -> Iterator[str]:
    for gpu in facts["gpus"]:
        known = gpu["total"] is not None
        size = f"{words.size(gpu['free'])} of {words.size(gpu['total'])} free" if known else "memory not told"
        yield f"gpu        {gpu['device']} {gpu['name']}, {size}"
    if hidden := facts["gpus_hidden"]:
        more = "more " if facts["gpus"] else ""
        yield f"gpu        {hidden} {more}on this host, not visible to runs ({_setting()})"
    if facts["gpus"] and facts["device"] == "cpu":
        yield f"gpu        not usable: the installed torch {facts['packages']['torch']} is made for the processor only"
    elif facts["device"] == "cpu":
        yield f"gpu        none {'visible' if hidden else 'found'}: runs use the processor"


def _setting() -> str:
    from engine.runs.gpus import SETTING

    value = os.environ.get(SETTING)
    return f"{SETTING} is not set" if value is None else f"{SETTING}={line(value)}"


def _results(results: Path) -> dict[str, Any]:
    """Whether runs can be written and locked there: tried in the nearest folder that exists."""
    folder = next(path for path in (results.absolute(), *results.absolute().parents) if path.exists())
    facts = {"path": str(results), "exists": results.is_dir(), "free": shutil.disk_usage(folder).free}
    if not folder.is_dir():
        return {**facts, "writable": False, "locks": False, "fault": f"{folder} is a file"}
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".lesion-doctor-") as file:
            file.write(b"written\n")
            file.flush()
            os.fsync(file.fileno())
            return {**facts, "writable": True, "locks": _locks(file.fileno()), "fault": None}
    except OSError as error:
        return {**facts, "writable": False, "locks": False, "fault": error.strerror}


def _locks(descriptor: int) -> bool:
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _results_line(facts: dict[str, Any]) -> str:
    where = f"{facts['path']}{'' if facts['exists'] else ' (made by the first run)'}, {words.size(facts['free'])} free"
    if not facts["writable"]:
        return f"{where}, cannot be written: {facts['fault']}"
    return (
        f"{where}, writable, {'locks work' if facts['locks'] else 'no file locks: runs are guarded by process number'}"
    )


def _terminal() -> dict[str, Any]:
    shown = shutil.get_terminal_size((0, 0))
    return {
        "interactive": sys.stdout.isatty(),
        "columns": shown.columns,
        "lines": shown.lines,
        "term": os.environ.get("TERM"),
        "colours": _colours(),
        "encoding": sys.stdout.encoding,
    }


def _colours() -> str:
    if os.environ.get("NO_COLOR"):
        return "no colour (NO_COLOR is set)"
    if os.environ.get("COLORTERM") in ("truecolor", "24bit"):
        return "true colour"
    return "256 colours" if "256" in os.environ.get("TERM", "") else "16 colours or fewer"


def _processor() -> str:
    """The processor's name, from the kernel where it tells."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
