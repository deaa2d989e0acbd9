"""Comparing a run with a repetition of it, trial by trial: every number, every text and every artifact."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import catalog, files
from engine.runs.lines import Record
from engine.runs.records import read_generations, read_manifest, read_trials

TOLERANCE = 1e-4
"""Relative difference allowed between two values of a metric where equal bits cannot be expected."""

_SAME = {
    "machine": "architecture",
    "processor": "processor",
    "lesion": "version of Lesion",
    "draw_version": "version of the random draws",
    "threads": "number of threads",
}


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same. `what`: a metric, "status", "text 3", an artifact, …, or "trial" where one run
    lacks it."""

    trial: str
    what: str
    original: Any
    replayed: Any


@dataclass(frozen=True)
class Comparison:
    """What came out of a comparison.

    Attributes:
        equal: no differences.
        exact_expected: everything that decides the last bits was the same, so metrics and artifacts were compared bit
            for bit; if not, metrics within the relative TOLERANCE, and of artifacts only which there are.
        reasons: what was not the same, as sentences; empty when exact_expected.
        trials, texts: how many were compared.
    """

    equal: bool
    exact_expected: bool
    reasons: list[str]
    differences: list[Difference]
    trials: int
    texts: int


def verify(original: Path, replayed: Path) -> Comparison:
    """Compare two runs of the same profile. Times and memory, which never repeat, are left out.

    Raises LesionError when either run cannot be read.
    """
    first, second = _by_key(read_trials(original)), _by_key(read_trials(replayed))
    reasons = _reasons(original, replayed, first, second)
    shared = [key for key in first if key in second]
    differences = [Difference(key, "trial", "recorded", "missing") for key in first if key not in second]
    differences += [Difference(key, "trial", "missing", "recorded") for key in second if key not in first]
    for key in shared:
        differences += _compare(first[key], second[key], exact=not reasons)
        differences += _compare_artifacts((original, first[key]), (replayed, second[key]), exact=not reasons)
    texts, others = _texts(original), _texts(replayed)
    for key in shared:
        differences += _compare_texts(key, texts.get(key, []), others.get(key, []))
    count = sum(len(texts.get(key, [])) for key in shared)
    return Comparison(not differences, not reasons, reasons, differences, len(shared), count)


def _reasons(original: Path, replayed: Path, trials: dict[str, Record], repeated: dict[str, Record]) -> list[str]:
    """Why the last bits may differ: one sentence for each thing that was not the same."""
    first, second = read_manifest(original), read_manifest(replayed)
    reasons = [
        f"the {name} differs: {first.get(key)} and {second.get(key)}"
        for key, name in _SAME.items()
        if first.get(key) != second.get(key)
    ]
    packages, others = ({**made.get("packages", {}), **made.get("additions", {})} for made in (first, second))
    for package in sorted({*packages, *others}):
        if packages.get(package) != others.get(package):
            reasons.append(f"{package} differs: {packages.get(package)} and {others.get(package)}")
    for model, facts in first.get("models", {}).items():
        other = second.get("models", {}).get(model, facts)
        if other.get("digest") != facts.get("digest"):
            reasons.append(f"the weights of {model} differ: {facts.get('digest')} and {other.get('digest')}")
    for manifest, run in ((first, original), (second, replayed)):
        if any("changed" in start for start in manifest.get("started", [])):
            reasons.append(f"{run.name} was resumed with other software or on another host")
    if resized := _resized(trials, repeated):
        reasons.append(f"the batch sizes of {resized} trials differ, as memory ran short in one of the runs")
    records = [*trials.values(), *repeated.values()]
    devices = sorted({record["device"] for record in records if record.get("device")})
    if devices != ["cpu"]:
        reasons.append(f"only a CPU repeats itself bit for bit, and the devices were {', '.join(devices) or 'none'}")
    return reasons


def _resized(first: dict[str, Record], second: dict[str, Record]) -> int:
    """How many trials ran in batches of other sizes."""
    pairs = [(first[key].get("batch"), second[key].get("batch")) for key in first.keys() & second.keys()]
    return sum(bool(one and other and one != other) for one, other in pairs)


def _compare(first: Record, second: Record, *, exact: bool) -> Iterator[Difference]:
    key = first["trial"]
    for name in ("status", "touched", "parameters", "texts"):
        if first.get(name) != second.get(name):
            yield Difference(key, name, first.get(name), second.get(name))
    metrics, others = first["metrics"], second["metrics"]
    for name in [*metrics, *(name for name in others if name not in metrics)]:
        if not _is_time(name) and not _same(metrics.get(name), others.get(name), exact):
            yield Difference(key, name, metrics.get(name), others.get(name))


def _compare_texts(key: str, first: list[Record], second: list[Record]) -> Iterator[Difference]:
    if len(first) != len(second):
        yield Difference(key, "texts", len(first), len(second))
    for one, other in zip(first, second, strict=False):
        if (one["prompt"], one["text"]) != (other["prompt"], other["text"]):
            yield Difference(key, f"{_label(one)} text {one['index']}", one["text"], other["text"])


def _compare_artifacts(first: tuple[Path, Record], second: tuple[Path, Record], *, exact: bool) -> Iterator[Difference]:
    """Of (run, record); a record without the key is one of a version that noted no artifacts."""
    (run, record), (other_run, other) = first, second
    if "artifacts" not in record or "artifacts" not in other:
        return
    if record["artifacts"] != other["artifacts"]:
        yield Difference(record["trial"], "artifacts", record["artifacts"], other["artifacts"])
        return
    for name in record["artifacts"] if exact else ():
        digest, other_digest = _digest(run, name), _digest(other_run, name)
        if digest != other_digest:
            yield Difference(record["trial"], name, digest, other_digest)


def _digest(run: Path, name: str) -> str:
    try:
        return f"sha256 {hashlib.sha256(files.read_bytes(run / name, below=run)).hexdigest()[:16]}"
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _same(first: Any, second: Any, exact: bool) -> bool:
    if not isinstance(first, float | int) or not isinstance(second, float | int):
        return bool(first == second)
    if exact or not (math.isfinite(first) and math.isfinite(second)):
        return repr(float(first)) == repr(float(second))
    return abs(first - second) <= TOLERANCE * max(abs(first), abs(second))


def _is_time(metric: str) -> bool:
    """Whether a metric is a duration. A label stands before the last dot."""
    infos = (info for measurement in catalog.measurements().values() for info in measurement.metrics)
    return metric.rpartition(".")[2] in {info.name for info in infos if info.unit == "s"}


def _label(text: Record) -> str:
    return str(text.get("label") or text.get("measurement"))


def _by_key(records: list[Record]) -> dict[str, Record]:
    return {record["trial"]: record for record in records}


def _texts(run: Path) -> dict[str, list[Record]]:
    texts: dict[str, list[Record]] = {}
    for record in read_generations(run):
        texts.setdefault(record["trial"], []).append(record)
    return texts
