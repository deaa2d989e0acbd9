"""A run's trials as a file other programs read: CSV, JSON or Parquet, one row a trial."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from engine.analysis.tables import batches, read
from engine.analysis.tidy import Tidy, together
from engine.errors import LesionError, suggestion
from engine.harmless import csv_cell
from engine.record.kinds import word

FORMATS = ("csv", "json", "parquet")


def export(run: Path | Sequence[Path], form: str, output: Path | BinaryIO) -> int:
    """Write the trials of one or several runs and return how many; `form` is one of FORMATS.

    Nothing measured is an empty cell (csv), null (json, parquet). A measured nan, inf or -inf is that word in csv, that
    word as a string in json (which has no such numbers) and the number itself in parquet. Texts are made harmless in
    csv (see `csv_cell`) and kept as they are in the others.
    Raises LesionError for another format, an unreadable journal or a file that cannot be written.
    """
    if form not in FORMATS:
        raise LesionError(f"unknown format '{form}'{suggestion(form, FORMATS)}")
    read_runs = read(run)
    pieces = {"csv": _csv, "json": _json, "parquet": _parquet}[form](read_runs)
    if isinstance(output, Path):
        write(output, pieces)
    else:
        output.writelines(pieces)
    return sum(one.table.num_rows for one in read_runs)


def write(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that the user named. Raises LesionError where it cannot be written."""
    try:
        with path.open("wb") as file:
            file.writelines(pieces)
    except OSError as error:
        raise LesionError(f"cannot write {path}: {error.strerror}; give a file in a folder that exists") from error


def _batches(read_runs: Sequence[Tidy], ready: Callable[[Any], Any]) -> Iterator[dict[str, list[Any]]]:
    """All columns of all runs, some rows at a time, every value as `ready` makes it."""
    names = together([one.table for one in read_runs]).column_names
    for batch in (batch for one in read_runs for batch in batches(one)):
        nothing = [None] * len(batch["trial"])
        yield {name: _ready(batch.get(name, nothing), ready) for name in names}


def _ready(values: list[Any], ready: Callable[[Any], Any]) -> list[Any]:
    """Words are made ready once each, finite numbers are so already."""
    kinds = set(map(type, values))
    if str in kinds:
        known = {value: ready(value) for value in set(values)}
        return [known[value] for value in values]
    return [ready(value) for value in values] if float in kinds and not all(map(_is_plain, values)) else values


def _is_plain(value: Any) -> bool:
    return value is None or math.isfinite(value)


def _csv(read_runs: Sequence[Tidy]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(csv_cell, together([one.table for one in read_runs]).column_names))
    for batch in _batches(read_runs, lambda value: csv_cell(word(value))):
        writer.writerows(zip(*batch.values(), strict=True))
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


def _json(read_runs: Sequence[Tidy]) -> Iterator[bytes]:
    yield b"[\n"
    between = ""
    for batch in _batches(read_runs, word):
        for row in zip(*batch.values(), strict=True):
            line = json.dumps(dict(zip(batch, row, strict=True)), allow_nan=False)
            yield (between + line.replace("\x7f", "\\u007f")).encode()
            between = ",\n"
    yield b"\n]\n"


def _parquet(read_runs: Sequence[Tidy]) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    table = together([one.table for one in read_runs])
    buffer = io.BytesIO()
    pq.write_table(table, buffer, store_schema=False)  # else readers would get the words as dictionaries
    yield buffer.getvalue()
