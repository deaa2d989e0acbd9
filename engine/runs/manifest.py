"""The manifest: which software, host and weights made a run. Written by the runner, in one step each time."""

import json
import os
import platform
import socket
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from engine import files
from engine.additions import versions
from engine.catalog import DRAW_VERSION
from engine.errors import LesionError
from engine.runs.directory import MANIFEST
from engine.runs.lines import write_whole
from engine.runs.records import read_manifest

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "accelerate", "numpy", "gguf")
"""The packages whose version can change a result."""


def begin(run: Path, source: Path | None, left_out: dict[str, str]) -> None:
    """Write the manifest of a run that was only just made. `left_out`: why, by model, for those that do not fit."""
    facts = {"created": _now(), "source": str(source) if source else None, "draw_version": DRAW_VERSION}
    _write(run, {"v": 1, **facts, **({"left_out": left_out} if left_out else {})})


def start(run: Path, *, devices: list[str], threads: int | None, trust_remote_code: bool) -> list[str]:
    """Note a start of the run with the software and host that will make its trials.

    Returns a sentence for each thing that differs from the first start. Raises LesionError when the run was begun with
    another version of the draw function, so that its trials cannot be continued.
    """
    manifest: dict[str, Any] = {"v": 1, "draw_version": DRAW_VERSION}
    if files.is_present(run / MANIFEST):
        manifest = read_manifest(run)
    if manifest.get("draw_version") != DRAW_VERSION:
        raise LesionError(
            f"run {run.name} was made with version {manifest.get('draw_version')} of the random draws and this Lesion "
            f"draws by version {DRAW_VERSION}: start a new run from its profile.toml"
        )
    found = {
        **surroundings(),
        "devices": devices,
        "threads": threads,
        "trust_remote_code": trust_remote_code,
    }
    first = {name: manifest.setdefault(name, value) for name, value in found.items()}
    changed = {name: value for name, value in found.items() if value != first[name]}
    manifest.setdefault("models", {})
    manifest.setdefault("started", []).append({"at": _now(), **({"changed": changed} if changed else {})})
    _write(run, manifest)
    return [f"{name} differs from the first start: {value}, not {first[name]}" for name, value in changed.items()]


def add_model(run: Path, name: str, facts: dict[str, Any]) -> None:
    """Note a model that a worker has loaded: revision, digest, parameters, dtype.

    Raises LesionError when the run was begun with other weights under the same name.
    """
    manifest = read_manifest(run)
    known = manifest["models"].get(name)
    if known is None:
        manifest["models"][name] = facts
        _write(run, manifest)
    elif known.get("digest") != facts.get("digest"):
        raise LesionError(
            f"the weights of model {name} are not those that run {run.name} began with (digest {facts.get('digest')}, "
            f"dtype {facts.get('dtype')}; at first {known.get('digest')}, {known.get('dtype')}): bring back the first "
            "weights and device, or start a new run"
        )


def surroundings() -> dict[str, Any]:
    """The software and the host, as far as they can change a result or help to find out why one changed."""
    return {
        "lesion": _version("lesion-lab"),
        "packages": {name: version for name in PACKAGES if (version := _version(name)) is not None},
        "additions": versions(),
        "python": platform.python_version(),
        "git": _commit(),
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the checkout this code is in, with "+changes" where files differ from it; None outside of one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit + ("+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _write(run: Path, manifest: dict[str, Any]) -> None:
    write_whole(run / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
