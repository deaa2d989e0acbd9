"""A report in files: the page, all of it as JSON, and the summary of laws as the attack study wrote its own."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from engine import files
from engine.analysis.reports.page import markdown
from engine.analysis.reports.published import compared, filtering, laws, rows
from engine.analysis.reports.report import Report
from engine.harmless import csv_cell
from engine.record.directory import REPORT_JSON, REPORT_PAGE
from engine.record.kinds import word

SUMMARY = "scaling_law_summary"
_ALWAYS = (1980, 1, 1, 0, 0, 0)
"""The time of every file of an archive."""


def as_plain(report: Report) -> dict[str, Any]:
    """All of a report as plain data, predictions of laws among it; nan and inf are floats."""
    told = asdict(report)
    for part, plain in zip(report.parts, told["parts"], strict=True):
        for law, known in zip(part.laws, plain["laws"], strict=True):
            known["predictions"] = law.predictions()
    plain_report: dict[str, Any] = _plain(told)
    return plain_report


def contents(report: Report) -> dict[str, bytes]:
    """By its name what is in each file of a report that has no pictures."""
    summary = {"runs": report.runs, "summary": rows(report), "filtering": filtering(report), "laws": laws(report)}
    texts = {
        REPORT_PAGE: markdown(report),
        REPORT_JSON: _json(as_plain(report)),
        f"{SUMMARY}.csv": _csv(rows(report)),
        f"{SUMMARY}.json": _json(_plain(summary | {"tests": compared(report)})),
    }
    return {name: text.encode() for name, text in texts.items()}


def write(made: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write these files into a folder, which is made; their paths. Raises OSError."""
    for name in made:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        files.replace(folder / name, content)
    return [folder / name for name in made]


def archived(made: Mapping[str, bytes], folder: str) -> bytes:
    """A zip of these files in a folder of this name, equal each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in made.items():
            entry = zipfile.ZipInfo(f"{folder}/{name}", date_time=_ALWAYS)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def write_beside(report: Report, run: Path) -> None:
    """Write the page and the JSON of a report into the run's directory. Raises OSError."""
    made = contents(report)
    for name in (REPORT_PAGE, REPORT_JSON):
        files.replace(run / name, made[name], below=run)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, allow_nan=False).replace("\x7f", "\\u007f") + "\n"


def _csv(told: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in told for name in row))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(csv_cell, names))
    writer.writerows([csv_cell(word(_joined(row.get(name)))) for name in names] for row in told)
    return text.getvalue()


def _joined(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    """As JSON has it: words for numbers that are not finite; what begins with an underscore is left out."""
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if not str(key).startswith("_")}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return word(value)
