"""The manifest: which software, host and weights made a run. Written by the runner, in one step each time."""

import os
import platform
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import cast

from engine import files
from engine.catalog import DRAW_VERSION
from engine.catalog.plugins import versions
from engine.errors import LesionError
from engine.profile.names import is_petri
from engine.profile.versions import Versions, changed, in_words
from engine.record.directory import MANIFEST
from engine.record.manifest import (
    Changed,
    Manifest,
    ModelFacts,
    Start,
    Surroundings,
    WorkerFacts,
    checked,
    read_manifest,
    write_manifest,
)
from engine.record.manifest import earlier as earlier
from engine.version import version

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "accelerate",
    "numpy",
    "numba",
    "llvmlite",
    "bitsandbytes",
    "gguf",
    "lm-eval",
    "pillow",
    "torchvision",
    "sentencepiece",
    "tiktoken",
    "jinja2",
    "kernels",
    "triton",
    "mamba-ssm",
    "causal-conv1d",
    "flash-linear-attention",
)
"""The packages whose version can change a result: those that compute, and those that read models, texts, templates and
pictures. In a manifest None is one that was not installed; of one that it does not name, nothing is known."""

_CALLED = {"vectors": "the processor's vector width", "cpu": "the kind of processor"}


def begin(
    run: Path,
    source: Path | None,
    left_out: dict[str, str],
    noted: Versions,
    models: dict[str, ModelFacts] | None = None,
) -> None:
    """Write the manifest of a run that was only just made.

    Args:
        left_out: why, by model, for those that do not fit.
        noted: the versions of what makes its numbers.
        models: by name the digest and dtype that models must have once they are loaded.
    """
    manifest: Manifest = {
        "v": 1,
        "created": _now(),
        "source": str(source) if source else None,
        "draw_version": DRAW_VERSION,
        "versions": noted,
    }
    if left_out:
        manifest["left_out"] = left_out
    if models:
        manifest["models"] = models
    write_manifest(run, checked(Manifest, manifest))


def start(run: Path, noted: Versions, *, devices: list[str], threads: int | None, trust_remote_code: bool) -> list[str]:
    """Note a start of the run with the software and host that will make its trials, and the versions, `noted`, of what
    makes their numbers.

    Returns a sentence for each thing that differs from the first start. Raises LesionError when the run was begun with
    another version of the draw function, so that its trials cannot be continued.
    """
    manifest: Manifest = {"v": 1, "draw_version": DRAW_VERSION, "versions": noted}
    if files.is_present(run / MANIFEST):
        manifest = read_manifest(run)
        manifest.setdefault("versions", {})  # before they were noted, all were 1
    if manifest.get("draw_version") != DRAW_VERSION:
        raise LesionError(
            f"run {run.name} was made with version {manifest.get('draw_version')} of the random draws and this Lesion "
            f"draws by version {DRAW_VERSION}: start a new run from its profile.toml"
        )
    current = surroundings()
    current["devices"], current["threads"], current["trust_remote_code"] = devices, threads, trust_remote_code
    first = _first(manifest, checked(Surroundings, current))
    current["packages"] = {name: version for name, version in current["packages"].items() if name in first["packages"]}
    remarks = _remarks(first, current)
    differing = cast(Changed, {name: value for name, value in current.items() if value != dict(first)[name]})
    if changed(manifest["versions"], noted):
        differing["versions"] = noted
        remarks += of_versions(run, manifest, noted)
    manifest.setdefault("models", {})
    began: Start = {"at": _now(), "changed": differing} if differing else {"at": _now()}
    manifest.setdefault("started", []).append(began)
    write_manifest(run, manifest)
    return remarks


def _first(manifest: Manifest, current: Surroundings) -> Surroundings:
    """The surroundings of the first start; what the manifest does not tell of them yet is as `current`, and noted."""
    noted = cast(dict[str, object], manifest)
    return cast(Surroundings, {name: noted.setdefault(name, value) for name, value in current.items()})


def add_worker(run: Path, device: str, facts: WorkerFacts) -> list[str]:
    """Note what a worker says of the device that it computes on and of the libraries that it computes with.

    Returns a sentence for each thing that differs from the first worker on this device.
    """
    manifest = read_manifest(run)
    first = manifest.setdefault("workers", {}).setdefault(device, facts)
    differing = cast(WorkerFacts, {name: value for name, value in facts.items() if value != first.get(name)})
    if differing:
        manifest["started"][-1].setdefault("changed", {}).setdefault("workers", {})[device] = differing
    write_manifest(run, manifest)
    return _remarks(first, differing)


def add_model(run: Path, name: str, facts: ModelFacts) -> None:
    """Note a model that a worker has loaded: revision, digest, parameters, dtype.

    Raises LesionError when the run was begun with other weights under the same name.
    """
    manifest = read_manifest(run)
    known = manifest["models"].get(name, {"digest": facts.get("digest")})
    if known.get("digest") == facts.get("digest"):
        manifest["models"][name] = checked(ModelFacts, facts) | known
        write_manifest(run, manifest)
    else:
        raise LesionError(
            f"the weights of model {name} are not those that run {run.name} began with (digest {facts.get('digest')}, "
            f"dtype {facts.get('dtype')}; at first {known.get('digest')}, {known.get('dtype')}): {mend(name)}"
        )


def mend(model: str) -> str:
    """What to do about a model of this name whose weights are others than a run began with."""
    if is_petri(model):
        return "the bundled models may be trained anew; use the Lesion that made the run, or run its profile again"
    return "bring back the first weights and device, or start a new run"


def differences(run: Path, device: str, facts: WorkerFacts) -> list[str]:
    """A sentence for each thing here that may move the last bits of a number and is other than what made the run.

    `facts`: what a process that works on `device` says. Raises LesionError when the manifest cannot be read.
    """
    noted: Mapping[str, object] = dict(read_manifest(run))
    first = {name: noted[name] for name in ("packages", "additions", "machine", "processor") if name in noted}
    now: dict[str, object] = {name: value for name, value in surroundings().items() if name in first}
    for name, held in now.items():
        before = first[name]
        if isinstance(held, dict) and isinstance(before, dict):
            now[name] = {package: held.get(package) for package in before}
    workers = noted.get("workers")
    known = workers.get(device) if isinstance(workers, dict) else None
    return _remarks(first, now) + (_remarks(known, {**facts}) if known else [])


def surroundings() -> Surroundings:
    """The software and the host, as far as they can change a result or help to find out why one changed."""
    return {
        "lesion": version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "additions": versions(),
        "python": platform.python_version(),
        "git": _commit(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "host": socket.gethostname(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def host() -> dict[str, str]:
    """This host by name, and its processor."""
    return {"host": socket.gethostname(), "processor": _processor()}


def _remarks(first: Mapping[str, object], current: Mapping[str, object]) -> list[str]:
    """A sentence for each thing of `current` that differs from the first."""
    remarks = []
    for name, value in current.items():
        before = first.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            remarks += _remarks(before, {**dict.fromkeys(before), **value})
        elif value != before:
            called = _CALLED.get(name, name)
            now, then = ("none" if one is None else one for one in (value, before))
            remarks.append(f"{called} differs from the first start: {now}, not {then}")
    return remarks


def of_versions(run: Path, manifest: Manifest, noted: Versions) -> list[str]:
    """The sentence about what makes numbers with another version, `noted`, than when the run began; mostly none."""
    before = changed(manifest.get("versions", {}), noted)
    if not before:
        return []
    other = f"run {run.name} goes on with other versions of what makes numbers, {in_words(before, noted)}"
    return [f"{other}: what was recorded stays and counts"]


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
