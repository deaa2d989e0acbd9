"""Writing imported runs: all of them in a folder of their own first, then each to its place in one step."""

import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from engine import catalog, files
from engine.catalog import DRAW_VERSION
from engine.catalog.columns import metric_of
from engine.errors import LesionError
from engine.record.changes import Baselines
from engine.record.directory import EVENTS, GENERATIONS, PROFILE, SOURCE, TRIALS, new_name
from engine.record.events import Event, StartEvent, StateEvent, WarningEvent
from engine.record.fields import Fields
from engine.record.lines import LineFile, WriteError, write_whole
from engine.record.manifest import Imported, Manifest, checked, read_manifest, write_manifest
from engine.runs.importing.found import Found
from engine.runs.importing.profile import profile_text

_TOGETHER = 1000
"""Lines that are written at once."""
MEASUREMENT = "imported"


def write(found: Sequence[Found], results: Path) -> list[Path]:
    """The directories of these runs in `results`; either all of them are there afterwards, or none.

    Raises LesionError where one cannot be written.
    """
    with shed_in(results) as shed:
        try:
            return list(move([_write(one, shed) for one in found], results))
        except (OSError, WriteError) as error:
            text = f"nothing is imported: the results folder {results} cannot be written: {error}"
            raise LesionError(text) from error


def write_into(found: Found, run: Path) -> None:
    """Add trials and their texts to a run of the profile that they are of, which nobody has started yet.

    Raises LesionError where one cannot be written.
    """
    try:
        _append(run / GENERATIONS, found.texts)
        _append(run / TRIALS, found.trials)
        for name in found.kept:
            _put(run, f"{SOURCE}/{name}", found.tree.read(name))
        _append(run / EVENTS, [WarningEvent(text=note) for note in found.notes])
        manifest = read_manifest(run)
        manifest["imported"] = origin(found)
        write_manifest(run, checked(Manifest, manifest))
    except (OSError, WriteError, ValueError) as error:
        raise LesionError(f"nothing is imported: {run.name} cannot be written: {error}") from error


@contextmanager
def shed_in(results: Path) -> Iterator[Path]:
    """A folder in `results` for what is not whole yet; gone at the end. Raises LesionError where it cannot be made."""
    shed = results / f".importing-{secrets.token_hex(4)}"
    try:
        results.mkdir(parents=True, exist_ok=True)
        shed.mkdir()
    except OSError as error:
        raise LesionError(f"nothing is imported: the results folder {results} cannot be written: {error}") from error
    try:
        yield shed
    finally:
        shutil.rmtree(shed, ignore_errors=True)


def move(made: Sequence[Path], results: Path) -> Iterator[Path]:
    """From the shed to their places; what was moved before one that cannot be is taken back."""
    moved: list[Path] = []
    try:
        for run in made:
            run.rename(results / run.name)
            moved.append(results / run.name)
        files.sync_folder(results)
    except OSError:
        for run in moved:
            shutil.rmtree(run, ignore_errors=True)
        raise
    yield from moved


def _write(found: Found, shed: Path) -> Path:
    run = shed / new_name(found.name)
    run.mkdir()
    write_whole(run / PROFILE, profile_text(found).encode())
    for name in found.kept:
        _put(run, f"{SOURCE}/{name}", found.tree.read(name))
    for name, content in found.artifacts.items():
        _put(run, name, content.encode())
    baselines = Baselines(found.trials)
    changed = (replace(record, change_pct=baselines.changes(record)) for record in found.trials)
    try:
        _append(run / GENERATIONS, found.texts)
        _append(run / TRIALS, changed)
    except ValueError as error:
        raise LesionError(f"{found.tree.path} cannot be imported: {error}") from None
    _append(run / EVENTS, _events(found))
    write_manifest(run, checked(Manifest, _manifest(found)))
    return run


def _put(run: Path, name: str, content: bytes) -> None:
    path = run / name
    path.parent.mkdir(parents=True, exist_ok=True)
    files.replace(path, content, below=run)


def _append(path: Path, records: Sequence[Fields] | Iterator[Fields]) -> None:
    lines, file = iter(records), LineFile(path)
    try:
        while some := list(islice(lines, _TOGETHER)):
            file.append([record.encode() for record in some], sync=False)
        file.append([], sync=True)
    finally:
        file.close()


def _events(found: Found) -> list[Event]:
    now = round(time.time(), 3)
    said = [WarningEvent(t=now, text=note) for note in found.notes]
    start = StartEvent(t=now, event="started", total=len(found.trials))
    return [start, *said, StateEvent(t=now, state="done", text=f"imported from {found.tree.path}", seconds=0.0)]


def _manifest(found: Found) -> Manifest:
    return {
        "v": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "source": None,
        "draw_version": DRAW_VERSION,
        "versions": {},
        "imported": origin(found),
    }


def origin(found: Found) -> Imported:
    """What the manifest tells of where a run comes from."""
    return {
        "format": found.format,
        "path": str(found.tree.path),
        "digest": digest(found),
        "files": {name: found.tree.digest(name) for name in found.files},
        "metrics": _definitions(found),
        "notes": found.notes,
    }


def digest(found: Found) -> str:
    """What an import is known by again, wherever its files lie: their content."""
    held = sorted(found.tree.digest(name) for name in found.files)
    return hashlib.sha256(json.dumps([found.format, found.model, held]).encode()).hexdigest()


def _definitions(found: Found) -> dict[str, str]:
    """By name, what each metric of the run is that is not Lesion's own."""
    published = {info.name: info.summary for info in catalog.measurement(MEASUREMENT).metrics}
    names = dict.fromkeys(name for record in found.trials for name in record.metrics)
    return {name: published[metric_of(name).name] for name in names if metric_of(name).name in published}
