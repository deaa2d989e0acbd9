"""The manifest of a run, manifest.json: which software, host and weights made it.

It is a TypedDict and no dataclass, as it is not written once: every start reads it, adds to it and writes it back
whole, with keys of later versions and all in its place. The types say what Lesion writes. Of a file from elsewhere only
that is checked which a command relies on (_RELIED_ON); what is just shown and compared may there be anything.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypedDict, TypeVar, cast

from engine import files
from engine.errors import LesionError
from engine.profile.versions import Versions
from engine.record.directory import MANIFEST
from engine.record.fields import require, specs
from engine.record.kinds import Count, Flag, Kind, Text, listed, named, table
from engine.record.lines import parse, write_whole


class ModelFacts(TypedDict, total=False):
    """Of a loaded model: the commit on the Hub, the digest of all weights as they are in memory, their number and
    type."""

    revision: Text | None
    digest: Text | None
    parameters: Count | None
    dtype: Text | None


class WorkerFacts(TypedDict, total=False):
    """What a worker computes with, see engine.work.device.device_facts; the last four of GPUs alone."""

    torch: Text
    threads: Count
    vectors: Text
    cpu: Text | None
    settings: dict[str, Text]
    gpus: list[dict[str, Text]]
    cuda: Text | None
    cudnn: Count | None
    driver: Text | None


class Surroundings(TypedDict, total=False):
    """The software and the host, as far as they can change a result or help to find out why one changed."""

    lesion: Text
    packages: dict[str, Text | None]
    additions: Annotated[dict[str, str], table]
    python: Text
    git: Text | None
    platform: Text
    machine: Text
    host: Text
    processor: Text
    cores: Count | None
    devices: list[Text]
    threads: Count | None
    trust_remote_code: Flag


class Changed(Surroundings, total=False):
    """What was other than at the first start."""

    versions: dict[str, Count]
    workers: Annotated[dict[str, WorkerFacts], named(table)]


class Start(TypedDict, total=False):
    """One start of the run."""

    at: Text
    changed: Changed


class Imported(TypedDict, total=False):
    """Where a run comes from that another program made."""

    format: Text
    path: Text
    digest: Text
    files: dict[str, Text]
    metrics: dict[str, Text]
    notes: list[Text]


def _is_start(value: Any) -> bool:
    """As far as Lesion relies on it."""
    changed = value.get("changed", {}) if isinstance(value, dict) else None
    return isinstance(changed, dict) and _fault(Changed, changed) is None


class Manifest(Surroundings, total=False):
    """All of it; the surroundings are those of the first start."""

    v: Count
    created: Text
    source: Text | None
    draw_version: Count
    versions: dict[str, Count]
    left_out: dict[str, Text]
    models: dict[str, ModelFacts]
    started: Annotated[list[Start], listed(Kind("Start", _is_start))]
    workers: Annotated[dict[str, WorkerFacts], named(table)]
    imported: Imported


Noted = TypeVar("Noted", Manifest, Surroundings, WorkerFacts, ModelFacts)

_RELIED_ON = ("versions", "packages", "additions", "models", "workers", "left_out", "started", "imported")


def _fault(cls: type, plain: Mapping[str, Any]) -> str | None:
    """The first field of those relied on that holds what it may not; None where none does."""
    relied_on = (one for one in specs(cls) if one.name in _RELIED_ON and one.name in plain)
    return next((one.name for one in relied_on if not one.kind.fits(plain[one.name])), None)


def checked(cls: type[Noted], noted: Noted) -> Noted:
    """What is to be written. Raises ValueError for a field that holds what it may not: that is a mistake of ours."""
    held: Mapping[str, Any] = noted
    for spec in specs(cls):
        if spec.name in held:
            require(f"{cls.__name__}.{spec.name}", spec.kind, held[spec.name])
    return noted


def read_manifest(run: Path) -> Manifest:
    """What made the run. Raises LesionError when the file is missing or damaged."""
    path = run / MANIFEST
    try:
        manifest = parse(files.read_bytes(path))
    except OSError as error:
        raise LesionError(f"{path} cannot be read: {error.strerror}") from error
    if manifest is None:
        raise LesionError(f"{path} is damaged: a JSON object is expected")
    if (field := _fault(Manifest, manifest)) is not None:
        raise LesionError(f"{path} is damaged: its {field!r} is not what Lesion writes there")
    return cast(Manifest, manifest)


def write_manifest(run: Path, manifest: Manifest) -> None:
    """Put it in place of the one before, in one step. Raises WriteError."""
    write_whole(run / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())


def earlier(run: Path) -> list[Versions]:
    """The versions of what makes numbers with which trials of the run may have been recorded, oldest first.

    Raises LesionError when the manifest cannot be read.
    """
    if not files.is_present(run / MANIFEST):
        return [{}]
    manifest = read_manifest(run)
    starts = (start.get("changed", {}).get("versions") for start in manifest.get("started", []))
    return [manifest.get("versions", {}), *filter(None, starts)]
