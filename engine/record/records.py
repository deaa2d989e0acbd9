"""Reading what a run has recorded: its trials, its texts and its manifest."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engine import files
from engine.errors import LesionError, quoted, shortened
from engine.record.directory import GENERATIONS, MANIFEST, TRIALS
from engine.record.kinds import (
    Kind,
    amount,
    anything,
    count,
    either,
    figure,
    finite,
    flag,
    listed,
    maybe,
    named,
    number,
    one_of,
    places,
    table,
    text,
    unusable,
    whole,
)
from engine.record.lines import Record, complete_lines, parse

RECORD_VERSION = 1
"""The `v` of the trial records that this version of Lesion writes and reads."""

STATUSES = ("ok", "failed", "oom")

_FIELDS: dict[str, Kind] = {
    "index": count,
    "model": text,
    "baseline": flag,
    "method": text,
    "group": maybe(text),
    "level": maybe(finite),
    "seed": whole,
    "status": one_of(*STATUSES),
    "metrics": table,
}
_OTHERS: dict[str, Kind] = {
    **dict.fromkeys(("layers", "heads", "experts"), maybe(places)),
    **dict.fromkeys(("select", "options"), maybe(table)),
    **dict.fromkeys(("parameters", "touched", "texts"), maybe(count)),
    **dict.fromkeys(("seconds", "peak_bytes"), maybe(amount)),
    **dict.fromkeys(("error", "device", "started"), maybe(text)),
    "artifacts": maybe(listed(text)),
    "batch": maybe(named(count)),
    "change_pct": maybe(named(maybe(figure))),
}
_CHANGED: dict[str, Kind] = {"versions": named(count), "workers": named(table)}
_MANIFEST: dict[str, Kind] = {
    "versions": named(count),
    "packages": named(maybe(text)),
    "additions": table,
    "models": named(named(either(maybe(text), maybe(count)))),
    "workers": named(table),
    "left_out": named(text),
    "started": listed(Kind("start", lambda start: table(start) and unusable(_changed(start), {}, _CHANGED) is None)),
}
_SELECT: dict[str, Kind] = {"by": text}
_SELECT_OTHERS: dict[str, Kind] = {"text": text, "coordinates": maybe(listed(anything))}
_TEXT: dict[str, Kind] = {
    **dict.fromkeys(("index", "tokens_in", "tokens_out"), maybe(count)),
    **dict.fromkeys(("measurement", "label", "prompt", "text", "stop"), maybe(text)),
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


def short_of_texts(run: Path, records: Iterable[Record]) -> list[str]:
    """Those of the run's trials of whose texts some are no longer there.

    Raises LesionError where a line that cannot be read may be such a text.
    """
    texts, faults = read_tolerant(run, GENERATIONS)
    left = Counter(text["trial"] for text in texts)
    said = [(record["trial"], record.get("texts")) for record in records]
    short = [trial for trial, count in said if isinstance(count, int) and left[trial] < count]
    if short and faults:
        raise LesionError(f"{faults[0]}; its trial is {short[0]}")
    return short


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
    if (field := unusable(manifest, {}, _MANIFEST)) is not None:
        raise LesionError(f"{path} is damaged: its {field!r} is not what Lesion writes there")
    return manifest


def _changed(start: Record) -> Record:
    """What a start of a run notes as other than at the first; a text in its place is no table, and refused as such."""
    changed = start.get("changed", {})
    return changed if isinstance(changed, dict) else {"versions": changed}


def _scan(path: Path) -> tuple[list[Record], list[str], list[str]]:
    """Records, sentences about lines that cannot be read, sentences about trials recorded twice."""
    records: list[Record] = []
    faults: list[str] = []
    repeats: list[str] = []
    seen: dict[str, int] = {}
    for place, (line, _) in enumerate(complete_lines(path), start=1):
        record, reason = read_record(line, path.name)
        if record is None:
            faults.append(f"{path}, line {place}, {reason}: {_MEND.get(path.name, 'delete that line')}")
        elif path.name == TRIALS and (first := seen.setdefault(record["trial"], place)) != place:
            repeats.append(f"{path}, line {place}, repeats the trial of line {first}, which is the one that counts")
        else:
            records.append(record)
    return records, faults, repeats


def read_record(line: bytes, name: str) -> tuple[Record | None, str]:
    """The record of one line of the journal `name`, or None and what keeps the line from being one.

    Of a trial's record `metrics` are numbers by name, those that are not finite included; one that is null was not
    measured and is left out. `change_pct` is, by the same names, the change from the model's baseline in percent: above
    0 the metric rose, below 0 it fell, None where there is no percentage (see engine.record.changes). Records of
    earlier versions do without it.
    """
    record = parse(line)
    if record is None:
        return None, "is not a JSON object"
    wrong = wrong_with(record, name)
    return (None, wrong) if wrong else (_restored(record), "")


def wrong_with(record: Record, name: str) -> str | None:
    """What keeps a JSON object from being a record of the journal `name`; None where nothing does."""
    if not isinstance(record.get("trial"), str):
        return "names no trial"
    if name != TRIALS:
        wrong = unusable(record, {}, _TEXT)
        return f"has no usable {wrong!r}" if wrong else None
    if not isinstance(version := record.get("v"), int) or version > RECORD_VERSION:
        return f"is of version {shortened(str(version))}, and this Lesion reads up to {RECORD_VERSION}"
    if wrong := unusable(record, _FIELDS, _OTHERS):
        return f"has no usable {wrong!r}"
    if record.get("select") and (wrong := unusable(record["select"], _SELECT, _SELECT_OTHERS)):
        return f"has no usable {wrong!r} in 'select'"
    odd = next((metric for metric, value in record["metrics"].items() if value is not None and not figure(value)), None)
    return None if odd is None else f"has a metric {quoted(odd)} that is no number"


def _restored(record: Record) -> Record:
    if isinstance(metrics := record.get("metrics"), dict):
        record["metrics"] = {name: _metric(value) for name, value in metrics.items() if value is not None}
    if isinstance(changes := record.get("change_pct"), dict):
        record["change_pct"] = {name: number(value) for name, value in changes.items()}
    return record


def _metric(value: Any) -> float | int:
    """A measured number; a large whole one as the float nearest to it, which is what tables hold."""
    large = isinstance(value, int) and abs(value) > 2**53
    return float(value) if large or isinstance(value, bool) else number(value)
