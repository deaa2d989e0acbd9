"""A run's trials as a file other programs read: CSV, JSON or Parquet, one row a trial."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from engine.analysis.tables import Row, columns, rows
from engine.catalog.columns import IDENTITY
from engine.errors import LesionError, suggestion
from engine.harmless import csv_cell, utf8
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
    trial_rows = rows(run)
    content = {"csv": _csv, "json": _json, "parquet": _parquet}[form](trial_rows)
    if isinstance(output, Path):
        _write(output, content)
    else:
        output.write(content)
    return len(trial_rows)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise LesionError(f"cannot write {path}: {error.strerror}; give a file in a folder that exists") from error


def _csv(trial_rows: list[Row]) -> bytes:
    text = io.StringIO()
    names = columns(trial_rows)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(csv_cell, names))
    writer.writerows([csv_cell(word(row.get(name))) for name in names] for row in trial_rows)
    return text.getvalue().encode()


def _json(trial_rows: list[Row]) -> bytes:
    names = columns(trial_rows)
    lines = [json.dumps({name: word(row.get(name)) for name in names}, allow_nan=False) for row in trial_rows]
    return ("[\n" + ",\n".join(lines) + "\n]\n").replace("\x7f", "\\u007f").encode()


def _parquet(trial_rows: list[Row]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = {"params", "layer", "seed"}
    words = set(IDENTITY) - numbers - {"level"}
    arrays = {
        utf8(name): pa.array(
            [utf8(row.get(name)) for row in trial_rows],
            pa.string() if name in words else pa.int64() if name in numbers else pa.float64(),
            from_pandas=False,
        )
        for name in columns(trial_rows)
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(arrays), buffer)
    return buffer.getvalue()
