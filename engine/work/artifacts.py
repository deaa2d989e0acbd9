"""What a trial found beyond numbers, as the content of files named after the trial and what made them."""

import csv
import io
from typing import Any

from engine.harmless import csv_cell
from engine.record.directory import ARTIFACTS
from engine.record.findings import Findings, Sheet
from engine.record.lines import encode


def written(facts: dict[str, Any], whose: str, findings: Findings) -> dict[str, str]:
    """The artifact of a measurement or a method, opened by `facts` (`trial` among them), and its tables: content by
    name within the run directory, the artifact first."""
    start = f"{ARTIFACTS}/{facts['trial']}-{whose}"
    files = {} if findings.artifact is None else {f"{start}.json": as_json(facts | findings.artifact)}
    return files | {
        f"{start}-{name}.csv" if name else f"{start}.csv": as_csv(table) for name, table in findings.tables.items()
    }


def as_json(content: dict[str, Any]) -> str:
    """One line of JSON; numbers that are not finite become "nan", "inf" and "-inf"."""
    return encode(content).decode()


def as_csv(sheet: Sheet) -> str:
    """A line of column names, then the rows; every float in as many digits as tell it from its neighbours, or as nan,
    inf or -inf; texts made harmless (see `csv_cell`)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(csv_cell, sheet.columns))
    writer.writerows(map(csv_cell, row) for row in sheet.rows)
    return text.getvalue()
