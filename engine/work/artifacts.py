"""What a trial found beyond numbers: files in the run's artifacts folder, named after the trial and what made them."""

import csv
import io
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine import files
from engine.harmless import csv_cell
from engine.record.directory import ARTIFACTS
from engine.record.findings import Findings, Sheet
from engine.record.lines import encode, unwritten


def keep_all(folder: Path, facts: dict[str, Any], whose: str, found: Findings) -> list[str]:
    """Write the artifact of a measurement or a method, opened by `facts` (`trial` among them), and its tables; returns
    their names within the run directory, the artifact first. Raises WriteError where one cannot be written."""
    trial = facts["trial"]
    names = [] if found.artifact is None else [keep(folder, trial, whose, facts | found.artifact)]
    named = {f"{whose}-{name}" if name else whose: sheet for name, sheet in found.tables.items()}
    return names + [keep_table(folder, trial, name, sheet) for name, sheet in named.items()]


def keep(folder: Path, trial: str, measurement: str, content: dict[str, Any]) -> str:
    """Write `content` as JSON, whole or not at all, in place of what an earlier attempt at the trial left; returns the
    name within the run directory. Numbers that are not finite become "nan", "inf" and "-inf"."""
    return _write(folder, f"{ARTIFACTS}/{trial}-{measurement}.json", encode(content))


def keep_table(folder: Path, trial: str, measurement: str, sheet: Sheet) -> str:
    """Write `sheet` as CSV, as `keep` does: a line of column names, then the rows; every float in as many digits as
    tell it from its neighbours, or as nan, inf or -inf; texts made harmless (see `csv_cell`)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(csv_cell, sheet.columns))
    writer.writerows(map(csv_cell, row) for row in sheet.rows)
    return _write(folder, f"{ARTIFACTS}/{trial}-{measurement}.csv", text.getvalue().encode())


def _write(folder: Path, name: str, content: bytes) -> str:
    try:
        with suppress(FileExistsError):
            (folder / ARTIFACTS).mkdir()
        files.replace(folder / name, content, below=folder)
    except OSError as error:
        raise unwritten(name, folder, error) from error
    return name
