"""The cache of a run's columns: files beside the journal that hold what was read of it, and that anyone may delete.

Each is a segment: the rows of the journal's bytes from `start` to `end`, under a line that says which bytes those were,
by their digests, and what the rest of the file must be. A segment that does not fit the journal or itself, that is of
another version, cannot be read or cannot be written costs the time of reading the journal, and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from engine import files
from engine.record.columns import are_columns
from engine.record.directory import LONG, TABLE, TRIALS
from engine.record.fields import Fields
from engine.record.kinds import Count, Text
from engine.record.lines import encode, parse
from engine.version import version

if TYPE_CHECKING:
    import pyarrow as pa

_VERSION = 1
_ROOM = 1 << 28  # bytes that a segment leaves free on the disk: the run needs them more
_NAME = re.compile(r"(\d{1,18})-(\d{1,18})\.arrow")
_LONGEST = 1 << 24  # bytes of a segment's first line that are looked at
_STEP = 1 << 20  # bytes that are read at once to be compared
_ALIGNED = 64
_THREADS = 4
_ABANDONED_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Piece(Fields):
    """The SHA-256 of the journal's bytes up to `end`, from the end of the piece before or the start of the segment."""

    end: Count
    digest: Text


@dataclass(frozen=True, kw_only=True)
class Fault(Fields):
    """A line that is no record, and why."""

    line: Count
    reason: Text


@dataclass(frozen=True, kw_only=True)
class Repeat(Fields):
    """A line that repeats the trial of the line `first`."""

    line: Count
    first: Count


@dataclass(frozen=True, kw_only=True)
class Told(Fields):
    """The first line of a segment: which bytes and how many lines of the journal it stands for, and what is odd there.
    `content` is the SHA-256 of all that follows, the rows as an Arrow stream."""

    v: Count = _VERSION
    engine: Text
    start: Count
    end: Count
    lines: Count
    pieces: tuple[Piece, ...]
    faults: tuple[Fault, ...]
    repeats: tuple[Repeat, ...]
    content: Text


@dataclass(frozen=True, eq=False)
class Segment:
    """Rows of a part of the journal, and what there is to say of that part."""

    table: pa.Table
    told: Told


def load(run: Path, size: int) -> list[Segment]:
    """What the cache has of a journal of so many bytes, from its first byte on without a gap; empty where it has
    nothing, or nothing that fits."""
    if size < LONG:
        return []
    chain: list[Segment] = []
    reached = 0
    try:
        journal = files.descriptor(run / TRIALS)
    except OSError:
        return []
    try:
        with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
            while found := _next(run, reached, size, lambda check, of: all(pool.map(check, of)), journal):
                chain.append(found)
                reached = found.told.end
    finally:
        os.close(journal)
    return chain


def save(run: Path, table: pa.Table, told: Told) -> bool:
    """Put a segment in place, and take away those that it covers; whether that could be done. `told.content` is filled
    in here."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    content = memoryview(sink.getvalue())
    plain = told.encode() | {"v": _VERSION, "engine": version(), "content": hashlib.sha256(content).hexdigest()}
    line = encode(plain)
    line = line[:-1].ljust(-len(line) // -_ALIGNED * _ALIGNED - 1) + b"\n"  # so that what follows is aligned
    path = run / TABLE / f"{told.start}-{told.end}.arrow"
    try:
        room = os.statvfs(run)
        if room.f_bavail * room.f_frsize < len(content) + _ROOM:
            return False
        with suppress(FileExistsError):
            path.parent.mkdir()
        files.replace(path, b"".join((line, content)), below=run, shared=True)
        covered = [other for start, end, other in _segments(run) if told.start <= start and end <= told.end]
        for other in {*covered, *_abandoned(path.parent)} - {path}:
            other.unlink(missing_ok=True)
    except OSError:  # the results may be read-only, or the disk full: the next look reads the journal again
        return False
    return True


def _next(
    run: Path, start: int, size: int, every: Callable[[Callable[[int], bool], Iterable[int]], bool], journal: int
) -> Segment | None:
    """The longest segment that begins at `start` and fits the journal."""
    fitting = [(end, path) for begin, end, path in _segments(run) if begin == start < end <= size]
    for end, path in sorted(fitting, reverse=True):
        try:
            content = files.read_bytes(path, below=run)
        except OSError:
            continue
        told = _told(content)
        if told is None or (told.start, told.end) != (start, end) or not _covers(told):
            continue
        rest = memoryview(content)[content.index(b"\n") + 1 :]
        begins = [start, *(piece.end for piece in told.pieces)]

        def fits(place: int, told: Told = told, rest: memoryview = rest, begins: list[int] = begins) -> bool:
            if place < 0:
                return hashlib.sha256(rest).hexdigest() == told.content
            return _digest(journal, begins[place], begins[place + 1]) == told.pieces[place].digest

        if every(fits, range(-1, len(told.pieces))) and (table := _table(rest)) is not None:
            return Segment(table, told)
    return None


def _segments(run: Path) -> list[tuple[int, int, Path]]:
    """Start, end and path of every file that bears the name of a segment."""
    folder = run / TABLE
    if folder.is_symlink():
        return []
    try:
        named = [(_NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    except OSError:
        return []
    return [(int(match[1]), int(match[2]), path) for match, path in named if match]


def _abandoned(folder: Path) -> list[Path]:
    """What processes that were killed have left half written."""
    return [path for path in folder.glob(".*.new") if time.time() - path.lstat().st_mtime > _ABANDONED_SECONDS]


def _told(content: bytes) -> Told | None:
    """The first line of a segment of this version; None for another."""
    line, newline, _ = content[:_LONGEST].partition(b"\n")
    plain = parse(line) if newline else None
    if plain is None or plain.get("v") != _VERSION or plain.get("engine") != version() or Told.fault(plain):
        return None
    return Told.decode(plain)


def _covers(told: Told) -> bool:
    """Whether its pieces are all of what it stands for, one after the other."""
    ends = [told.start, *(piece.end for piece in told.pieces)]
    return ends[-1] == told.end and all(before < after for before, after in pairwise(ends))


def _digest(file: int, start: int, end: int) -> str:
    """Of these bytes of an open file."""
    digest = hashlib.sha256()
    while start < end and (read := os.pread(file, min(_STEP, end - start), start)):
        digest.update(read)
        start += len(read)
    return digest.hexdigest()


def _table(content: memoryview) -> pa.Table | None:
    """The rows of an Arrow stream; None where it is none, or holds something else."""
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(pa.py_buffer(content)) as stream:
            table = stream.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError):
        return None
    return table if are_columns(table) else None
