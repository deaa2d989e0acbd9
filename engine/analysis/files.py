"""A run's trials as a file other programs read: CSV, JSON or Parquet, one row a trial."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from engine.analysis.tables import Row, read, rows_of
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


def _rows(read_runs: Sequence[Tidy]) -> tuple[list[str], Iterator[Row]]:
    """The names of all columns, and the rows one by one."""
    return together([one.table for one in read_runs]).column_names, (row for one in read_runs for row in rows_of(one))


def _csv(read_runs: Sequence[Tidy]) -> Iterator[bytes]:
    names, rows = _rows(read_runs)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(csv_cell, names))
    for row in rows:
        writer.writerow([csv_cell(word(row.get(name))) for name in names])
        if text.tell() > _PIECE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


_PIECE = 1 << 20
"""Characters that are made before they are written."""


def _json(read_runs: Sequence[Tidy]) -> Iterator[bytes]:
    names, rows = _rows(read_runs)
    yield b"["
    before = "\n"
    for row in rows:
        line = json.dumps({name: word(row.get(name)) for name in names}, allow_nan=False)
        yield (before + line.replace("\x7f", "\\u007f")).encode()
        before = ",\n"
    yield (before if before == "\n" else "\n").encode() + b"]\n"


def _parquet(read_runs: Sequence[Tidy]) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    table = together([one.table for one in read_runs])
    buffer = io.BytesIO()
    pq.write_table(table, buffer, store_schema=False)  # else readers would get the words as dictionaries
    yield buffer.getvalue()
