"""Reading what a run has recorded: its trials, its texts and its manifest."""

from pathlib import Path
from types import NoneType
from typing import Any

from engine import files
from engine.errors import LesionError
from engine.runs.directory import GENERATIONS, MANIFEST, TRIALS
from engine.runs.lines import Record, complete_lines, number, parse

RECORD_VERSION = 1
"""The `v` of the trial records that this version of Lesion writes and reads."""

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "index": int,
    "model": str,
    "baseline": bool,
    "method": str,
    "group": (str, NoneType),
    "level": (int, float, NoneType),
    "seed": int,
    "status": str,
    "metrics": dict,
}

_MEND = {
    TRIALS: "delete that line, and lesion resume runs its trial again",
    GENERATIONS: f"delete that line and its trial's in {TRIALS}, and lesion resume runs the trial again",
}


def read_trials(run: Path) -> list[Record]:
    """The committed trials in the order of the file, metrics as floats; of a trial recorded twice, the first.

    Raises LesionError naming file and line where a line in the middle cannot be read.
    """
    return read_journal(run, TRIALS)


def read_generations(run: Path) -> list[Record]:
    """The generated texts of committed trials, in the order of the file.

    Raises LesionError naming file and line where a line in the middle cannot be read.
    """
    committed = {record["trial"] for record in read_trials(run)}
    return [record for record in read_journal(run, GENERATIONS) if record["trial"] in committed]


def read_journal(run: Path, name: str) -> list[Record]:
    """The records of one journal of the run (TRIALS or GENERATIONS), strictly: see `read_trials`."""
    records, faults, _ = _scan(run / name)
    if faults:
        raise LesionError(faults[0])
    return records


def read_tolerant(run: Path, name: str = TRIALS) -> tuple[list[Record], list[str]]:
    """The records of one journal that can be read, and a sentence for each line that cannot or that does not count.

    A torn last line is neither: whoever wrote it never finished.
    """
    records, faults, repeats = _scan(run / name)
    return records, faults + repeats


def read_manifest(run: Path) -> dict[str, Any]:
    """What made the run: versions, host, devices, models; see engine.runs.manifest.

    Raises LesionError when the file is missing or damaged.
    """
    path = run / MANIFEST
    try:
        manifest = parse(files.read_bytes(path))
    except OSError as error:
        raise LesionError(f"{path} cannot be read: {error.strerror}") from error
    if manifest is None:
        raise LesionError(f"{path} is damaged: a JSON object is expected")
    return manifest


def _scan(path: Path) -> tuple[list[Record], list[str], list[str]]:
    """Records, sentences about lines that cannot be read, sentences about trials recorded twice."""
    records: list[Record] = []
    faults: list[str] = []
    repeats: list[str] = []
    seen: dict[str, int] = {}
    for count, (line, _) in enumerate(complete_lines(path), start=1):
        record = parse(line)
        if record is None or (wrong := wrong_with(record, path.name)):
            reason = "is not a JSON object" if record is None else wrong
            faults.append(f"{path}, line {count}, {reason}: {_MEND.get(path.name, 'delete that line')}")
        elif path.name == TRIALS and (first := seen.setdefault(record["trial"], count)) != count:
            repeats.append(f"{path}, line {count}, repeats the trial of line {first}, which is the one that counts")
        else:
            records.append(restored(record))
    return records, faults, repeats


def wrong_with(record: Record, name: str) -> str | None:
    """What keeps a JSON object from being a record of the journal `name`; None where nothing does."""
    if not isinstance(record.get("trial"), str):
        return "names no trial"
    if name != TRIALS:
        return None
    if not isinstance(version := record.get("v"), int) or version > RECORD_VERSION:
        return f"is of version {version}, and this Lesion reads up to {RECORD_VERSION}"
    for field, kinds in _FIELDS.items():
        if field not in record or not isinstance(record[field], kinds):
            return f"has no usable {field!r}"
    return None


def restored(record: Record) -> Record:
    """The record of a trial with floats for numbers that are not finite.

    `metrics` are numbers by name. `change_pct` is, by the same names, the change from the model's baseline in percent:
    above 0 the metric rose, below 0 it fell, None where there is no percentage (see engine.runs.changes). Records of
    earlier versions do without it.
    """
    for key in ("metrics", "change_pct"):
        if isinstance(found := record.get(key), dict):
            record[key] = {name: number(value) for name, value in found.items()}
    return record
