"""A run as the Browse screen reads it: its trials as an Arrow table, their baselines, and where their texts lie.

Everything here is read from the run directory and may take seconds for a long run: call it in a thread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.safe import line, plain, utf8
from engine import files, runs
from engine.analysis import Row, metric_names, tidy
from engine.catalog.columns import CHANGE
from engine.errors import LesionError
from engine.record.changes import Baselines
from engine.record.records import read_line
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord

if TYPE_CHECKING:
    import pyarrow as pa

Extent = tuple[int, int]
"""First byte and the byte after the last of lines that follow one another in a file."""

WORDS = ("model", "method", "group", "status")
NUMBERS = ("level", "seed")
MOST_TEXTS = 40  # of one trial that are read and shown

_TRIAL = re.compile(rb'"trial": ?"([^"]*)"')


@dataclass(frozen=True, repr=False, eq=False)
class RunData:
    """One reading of a run. `rows`, `table` and `haystack` run in parallel, in the order of the profile's grid."""

    run: Path
    rows: list[Row]
    table: pa.Table
    """Columns: model, method, group, level, seed, the first metric and its change, status, the other metrics."""
    haystack: pa.Array
    """What a filter's words are looked for in: the words and numbers that name a trial, in small letters."""
    records: dict[str, TrialRecord]
    baselines: Baselines
    faults: list[str]
    texts: dict[str, list[Extent]] = field(default_factory=dict)
    """Where in generations.jsonl a trial's texts lie, by its key."""
    stamp: tuple[int, ...] = ()
    """Sizes of the files when they were read: a change means that there is more."""

    def record(self, row: int) -> TrialRecord:
        """The journal's record of a row."""
        return self.records[self.rows[row]["trial"]]


def read(run: Path) -> RunData:
    """Reads a run, damaged lines left out and named in `faults`. Raises LesionError when a file cannot be read."""
    stamp = sizes(run)
    journal, faults = runs.read_tolerant(run)
    rows = [{utf8(name): utf8(value) for name, value in row.items()} for row in tidy(run.name, journal)]
    records = {utf8(record.trial): record for record in journal}
    texts = extents(run / "generations.jsonl")
    return RunData(run, rows, _table(rows), _haystack(rows), records, Baselines(journal), faults, texts, stamp)


def sizes(run: Path) -> tuple[int, ...]:
    """Sizes in bytes of the journals; 0 for one that is not there."""
    paths = (run / "trials.jsonl", run / "generations.jsonl")
    return tuple(path.lstat().st_size if files.is_plain(path) else 0 for path in paths)


def extents(path: Path) -> dict[str, list[Extent]]:
    """Where each trial's lines lie, without parsing them; lines of one trial that touch are one extent.

    Raises LesionError when the file cannot be read.
    """
    by_trial: dict[str, list[Extent]] = {}
    place = 0
    try:
        with files.reading(path) as file:
            for text in file:
                start, place = place, place + len(text)
                match = _TRIAL.search(text, 0, 200)
                if match is None or not text.endswith(b"\n"):
                    continue
                spans = by_trial.setdefault(match[1].decode(errors="replace"), [])
                if spans and spans[-1][1] == start:
                    spans[-1] = (spans[-1][0], place)
                else:
                    spans.append((start, place))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise LesionError(f"{path} cannot be read: {error.strerror}") from error
    return by_trial


def read_texts(data: RunData, trial: str) -> list[TextRecord]:
    """The generated texts of a trial, at most MOST_TEXTS, in the order of the file; damaged lines are passed over."""
    texts: list[TextRecord] = []
    path = data.run / "generations.jsonl"
    for start, end in data.texts.get(trial, []):
        with files.reading(path) as file:
            file.seek(start)
            while file.tell() < end and len(texts) < MOST_TEXTS:
                written, _ = read_line(file.readline(), TextRecord)
                if written is not None:
                    texts.append(written)
    return texts


def _table(rows: list[Row]) -> pa.Table:
    """Measured NaN stays NaN; what was not measured is null."""
    import pyarrow as pa

    def words(name: str) -> pa.Array:
        shown = {value: value and line(value, longest=60) for value in {row[name] for row in rows}}
        return pa.array([shown[row[name]] for row in rows], pa.string())

    def floats(name: str) -> pa.Array:
        return pa.array([row.get(name) for row in rows], pa.float64(), from_pandas=False)

    columns = {name: words(name) for name in ("model", "method", "group")}
    columns |= {"level": floats("level"), "seed": pa.array([row["seed"] for row in rows], pa.int64())}
    metrics = metric_names(rows)
    columns |= {name: floats(name) for first in metrics[:1] for name in (first, first + CHANGE)}
    columns["status"] = words("status")
    columns |= {name: floats(name) for name in metrics[1:]}
    return pa.table(columns)


def _haystack(rows: list[Row]) -> pa.Array:
    import pyarrow as pa

    def words(row: Row) -> str:
        level = "" if row["level"] is None else f"{row['level']:g}"
        named = " ".join(str(row[name] or "") for name in WORDS)
        told = f"{'baseline ' if row['method'] == 'none' else ''}{named} {level} {row['seed']} {row['trial']}"
        return plain(told).lower()  # as it stands in the table

    return pa.array([words(row) for row in rows], pa.string())
