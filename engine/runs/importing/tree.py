"""The files that a user wants to import: found below one path, opened as plain files only, and read with a sentence for
whatever is wrong with them."""

import csv
import hashlib
import io
import json
import os
import stat
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from engine import files, units
from engine.errors import LesionError, shortened

LARGEST = 500_000_000
"""Bytes of one file."""
MOST_FILES = 20_000
_DEEPEST = 20

Row = dict[str, str]


class Tree:
    """A folder with all that lies in it, or one file. Names are relative to the folder, with `/` between their parts.

    Links and pipes below the path are refused, as is a file larger than LARGEST.
    """

    def __init__(self, path: Path) -> None:
        """Raises LesionError where there is nothing at `path`, or something in it is no plain file."""
        try:
            alone = not stat.S_ISDIR(path.stat().st_mode)
        except OSError as error:
            raise LesionError(f"{shortened(str(path))} cannot be imported: {error.strerror}") from None
        except ValueError:
            raise LesionError(f"{shortened(str(path))} can be no path: it holds a NUL") from None
        self.path = path
        self._alone = alone
        self._held: dict[str, bytes] = {}
        self.names = (path.name,) if alone else tuple(sorted(self._below(path, 0)))
        if not self.names:
            raise LesionError(f"{path} holds no file: there is nothing to import")

    def _below(self, folder: Path, depth: int) -> Iterator[str]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise LesionError(f"{folder} cannot be read: {error.strerror}") from None
        if depth > _DEEPEST or len(entries) > MOST_FILES:
            raise LesionError(f"{folder} goes too deep or holds too much: import the folder that has the results")
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._below(folder / entry.name, depth + 1)
            elif files.is_plain(folder / entry.name):
                yield (folder / entry.name).relative_to(self.path).as_posix()
            else:
                raise LesionError(f"{files.odd_entry(folder / entry.name)}: import plain files")

    def where(self, name: str) -> str:
        """How messages call a file."""
        return str(self.path if self._alone else self.path / name)

    def read(self, name: str) -> bytes:
        """All bytes of a file. Raises LesionError where it cannot be read or is too large."""
        if name not in self._held:
            self._held = {name: self._read(name)}  # the last one only: a folder may hold a lot
        return self._held[name]

    def _read(self, name: str) -> bytes:
        path = self.path if self._alone else self.path / name
        try:
            if self._alone:
                content = files.read_named(path, LARGEST + 1) if path.stat().st_size <= LARGEST else None
            else:
                with files.reading(path, below=self.path) as file:
                    content = file.read() if os.fstat(file.fileno()).st_size <= LARGEST else None
        except OSError as error:
            raise LesionError(f"{path} cannot be read: {error.strerror}") from None
        if content is None or len(content) > LARGEST:
            raise LesionError(f"{path} is larger than {units.size(LARGEST)}, the most that is imported: split it up")
        return content

    def digest(self, name: str) -> str:
        """SHA-256 of a file, in hexadecimal digits."""
        return hashlib.sha256(self.read(name)).hexdigest()

    def text(self, name: str) -> str:
        """A file as text. Raises LesionError where it is not UTF-8."""
        try:
            return self.read(name).decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            raise LesionError(f"{self.where(name)} is not a text file in UTF-8") from None

    def json(self, name: str) -> Any:
        """What a JSON file holds; NaN and Infinity are numbers. Raises LesionError where it is not whole JSON."""
        return parsed(self.text(name), self.where(name))

    def table(self, name: str, *expected: str) -> dict[str, Any]:
        """A JSON object that has these keys. Raises LesionError for anything else."""
        held = self.json(name)
        if not isinstance(held, dict):
            raise LesionError(f"{self.where(name)} is not a JSON object in braces")
        if missing := [key for key in expected if key not in held]:
            raise LesionError(f"{self.where(name)} has no {missing[0]!r}")
        return held

    def json_lines(self, name: str) -> list[dict[str, Any]]:
        """The objects of a .jsonl file. Raises LesionError for a line that is none, and for a file without lines."""
        found = []
        for number, line in enumerate(self.text(name).split("\n"), start=1):
            if line.strip():
                held = parsed(line, f"{self.where(name)}, line {number},")
                if not isinstance(held, dict):
                    raise LesionError(f"{self.where(name)}, line {number}, is not a JSON object in braces")
                found.append(held)
        if not found:
            raise LesionError(f"{self.where(name)} is empty")
        return found

    def header(self, name: str) -> tuple[str, ...]:
        """The names of a CSV file's columns; empty where it has none."""
        try:
            return tuple(cell.strip() for cell in next(csv.reader(io.StringIO(self.text(name).partition("\n")[0])), []))
        except csv.Error:
            return ()

    def rows(self, name: str, *columns: str) -> list[Row]:
        """The rows of a CSV file that has these columns, by column. Raises LesionError where one is missing, a row has
        more or fewer cells, or there is no row."""
        header = self.header(name)
        if missing := [column for column in columns if column not in header]:
            raise LesionError(f"{self.where(name)} has no column {missing[0]!r}; it has: {', '.join(header)}")
        reader = csv.reader(io.StringIO(self.text(name)))
        rows = []
        try:
            next(reader)
            for cells in reader:
                if cells and len(cells) != len(header):
                    wrong = f"line {reader.line_num}, has {len(cells)} cells, where {len(header)} are named"
                    raise LesionError(f"{self.where(name)}, {wrong}: is it cut off?")
                if cells:
                    rows.append(dict(zip(header, cells, strict=True)))
        except csv.Error as error:
            raise LesionError(f"{self.where(name)}, line {reader.line_num}, is no CSV: {error}") from None
        if not rows:
            raise LesionError(f"{self.where(name)} has no row below its names")
        return rows

    @cached_property
    def folders(self) -> dict[str, tuple[str, ...]]:
        """By folder ("" is the path itself), the last parts of the names that lie directly in it."""
        found: dict[str, list[str]] = {}
        for name in self.names:
            found.setdefault(parent(name), []).append(PurePosixPath(name).name)
        return {folder: tuple(names) for folder, names in found.items()}

    def title(self, folder: str = "") -> str:
        """What a folder of it is called; of the path itself its own name, without an ending."""
        return PurePosixPath(folder).name or self.path.absolute().stem


def parent(name: str) -> str:
    """The folder that a file or folder of a tree lies in; "" is the path itself."""
    return name.rpartition("/")[0]


def within(folder: str, name: str) -> str:
    """The name of a file in a folder of a tree."""
    return f"{folder}/{name}" if folder else name


def parsed(text: str, where: str) -> Any:
    """What a JSON text holds. Raises LesionError, opening with `where`, for any other text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{error.msg}, line {error.lineno}, column {error.colno}"
        raise LesionError(f"{where} is not whole JSON ({place}): is it cut off?") from None
    except RecursionError:
        raise LesionError(f"{where} is not used: its lists and objects lie too deep within one another") from None
    except ValueError:
        raise LesionError(f"{where} is not used: it holds a whole number of thousands of digits") from None
