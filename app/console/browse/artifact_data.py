"""An artifact of a trial as a table: a CSV file as it is, a JSON file by its longest list (of layers, mostly) and the
lists that go with it."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from app import words
from app.safe import line
from engine import files
from engine.record.kinds import number

MOST_ROWS = 5_000
_OPENING = ("trial", "measurement", "label")
_CELL = 48


@dataclass(frozen=True)
class Artifact:
    """What is shown of one file: `note` over a table of cells ready to read. `right`: columns of numbers."""

    note: str
    columns: list[str]
    rows: list[list[str]]
    right: list[bool]


def read(run: Path, name: str) -> Artifact:
    """The file `name` of a run directory. Whatever keeps it from being read is its note."""
    path = run / name
    try:
        if not path.resolve().is_relative_to(run.resolve()):
            return Artifact(f"{name} lies outside of the run and is not read", [], [], [])
        with files.reading(path, below=run) as file:
            return _table(file) if path.suffix == ".csv" else _json(json.load(file))
    except OSError as error:
        return Artifact(f"{path} cannot be read: {error.strerror}", [], [], [])
    except (ValueError, RecursionError, csv.Error) as error:
        return Artifact(f"{path} is damaged: {error}", [], [], [])


def _table(file: BinaryIO) -> Artifact:
    reader = csv.reader(TextIOWrapper(file, encoding="utf-8", newline=""))
    columns = next(reader, [])
    rows = [[_value(cell) for cell in row] for row in islice(reader, MOST_ROWS)]
    left = sum(1 for _ in reader)
    return _artifact("", columns, rows, left)


def _json(content: Any) -> Artifact:
    tables = content if isinstance(content, dict) else {"": content}
    facts = {key: value for key, value in tables.items() if key not in _OPENING}
    lists = {key: value for key, value in facts.items() if isinstance(value, list) and value}
    together = _together(lists)
    said = "   ".join(f"{key}: {_shown(number(value))}" for key, value in facts.items() if key not in together)
    if not together:
        return _artifact("", ["", "value"], [[key, value] for key, value in facts.items()], 0)
    entries = lists[together[0]][:MOST_ROWS]
    left = len(lists[together[0]]) - len(entries)
    if not all(isinstance(entry, dict) for entry in entries):
        rows = [[at, *(number(lists[key][at]) for key in together)] for at in range(len(entries))]
        return _artifact(said, ["", *together], rows, left)
    columns = list(dict.fromkeys(key for entry in entries for key in entry))
    return _artifact(said, columns, [[number(entry.get(key)) for key in columns] for entry in entries], left)


def _together(lists: dict[str, list[Any]]) -> list[str]:
    """The longest list, one of lists only where there is no other; and those of plain values that are as long, where it
    is one of plain values."""
    flat = {key: entries for key, entries in lists.items() if not any(isinstance(entry, list) for entry in entries)}
    longest = max(flat or lists, key=lambda key: len(lists[key]), default=None)
    if longest is None:
        return []
    plain = [key for key, entries in flat.items() if not any(isinstance(entry, dict) for entry in entries)]
    alike = [key for key in plain if len(lists[key]) == len(lists[longest])]
    return alike if longest in alike else [longest]


def _artifact(note: str, columns: list[str], rows: list[list[Any]], left: int) -> Artifact:
    if left:
        note = f"the first {len(rows):,} of {len(rows) + left:,} rows; the file has them all   {note}"
    numeric = [all(isinstance(row[at], int | float) for row in rows if at < len(row)) for at in range(len(columns))]
    cells = [[_shown(value) for value in row] for row in rows if len(row) == len(columns)]
    return Artifact(line(note), [line(name) for name in columns], cells, numeric)


def _value(cell: str) -> int | float | str:
    """A cell of a CSV file, as a number where it is one."""
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, list | dict):
        return f"{len(value)} values"
    return words.rounded(value) if isinstance(value, float) else line(str(value), longest=_CELL)
