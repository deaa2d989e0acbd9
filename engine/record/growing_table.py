"""The trials of a run as a table that grows with the journal: what was read once is not read again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine import files
from engine.errors import LesionError
from engine.record import segments
from engine.record.columns import Cell, Columns, counts, joined
from engine.record.directory import LONG, TRIALS
from engine.record.lines import complete_blocks
from engine.record.records import fault_words, repeat_words
from engine.record.segments import Fault, Piece, Repeat, Told

if TYPE_CHECKING:
    import pyarrow as pa

_PIECE = 1 << 23
"""Bytes of the journal that have one digest."""

_TAIL = 256
"""Bytes that must stand before what is new."""


def read_columns(run: Path) -> pa.Table:
    """The committed trials of a run, see `Columns`, in the order of the file; of a trial recorded twice, the first.

    Raises LesionError naming file and line where a line in the middle cannot be read.
    """
    growing = GrowingTable(run)
    growing.look()
    if faults := growing.faults:
        raise LesionError(faults[0])
    return growing.table


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows of the journal's bytes from `start` to `end`, its lines after `line` up to `last`. `saved`: in the cache."""

    table: pa.Table
    start: int
    end: int
    line: int
    last: int
    saved: bool

    def __add__(self, other: _Part) -> _Part:
        table = joined([self.table, other.table]).combine_chunks()
        return _Part(table, self.start, other.end, self.line, other.last, saved=False)


class GrowingTable:
    """The trials of one run that can be read, and a sentence for each line that cannot or that does not count.

    Of a long journal what was read is kept in a cache beside it (see engine.record.segments).
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._path = run / TRIALS
        self._begin(0)

    def look(self) -> bool:
        """Read what was added since the last look, all anew where the file is another one; whether anything was.

        Raises LesionError where the file cannot be read.
        """
        before, (inode, size) = self._end, self._file()
        another = inode != self._inode or size < self._end or not self._goes_on()
        if another:
            self._begin(inode)
            self._load(size)
        columns, start, line = Columns(), self._end, self._line
        for block in complete_blocks(self._path, self._end):
            for text in block[:-1].split(b"\n"):
                self._line += 1
                if reason := columns.add(self._line, self._end, text):
                    self._faults.append(Fault(line=self._line, reason=reason))
                self._end += len(text) + 1
            self._digest.update(block)
            self._tail = block[-_TAIL:]
            if self._end - self._digested >= _PIECE:
                self._close_piece()
        if self._end > start:
            table = self._without_repeats(columns.take())
            self._append(_Part(table, start, self._end, line, self._line, saved=False))
        return self._end != before or (another and before > 0)

    @property
    def table(self) -> pa.Table:
        """All trials so far, in the order of the file."""
        return joined([part.table for part in self._parts] or [Columns().take()])

    @property
    def faults(self) -> list[str]:
        """About lines that cannot be read, in the order of the file."""
        return [fault_words(self._path, one.line, one.reason) for one in self._faults]

    @property
    def first_reason(self) -> str:
        """What keeps the first line that is no record from being one; empty where there is none."""
        return self._faults[0].reason if self._faults else ""

    @property
    def end(self) -> int:
        """Bytes of the file that were read."""
        return self._end

    def counts(self) -> list[tuple[Cell, int]]:
        """Cells, each with how many trials it has; a cell may stand there more than once."""
        return [one for part in self._parts for one in counts(part.table)]

    @property
    def repeats(self) -> list[str]:
        """About trials that were recorded twice."""
        return [repeat_words(self._path, one.line, one.first) for one in self._repeats]

    def _begin(self, inode: int) -> None:
        """Forget all that was read: the file is another one."""
        self._inode = inode
        self._end = self._line = self._digested = 0
        self._parts: list[_Part] = []
        self._seen: set[str] | None = None
        self._faults: list[Fault] = []
        self._repeats: list[Repeat] = []
        self._pieces: list[Piece] = []
        self._digest = hashlib.sha256()
        self._tail = b""

    def _load(self, size: int) -> None:
        """Take from the cache what it has."""
        for segment in segments.load(self._run, size):
            told, line = segment.told, self._line
            self._end = self._digested = told.end
            self._line += told.lines
            self._parts.append(_Part(segment.table, told.start, told.end, line, self._line, saved=True))
            self._faults += told.faults
            self._repeats += told.repeats
            self._pieces += told.pieces

    def _file(self) -> tuple[int, int]:
        """Inode and size of the journal; zeros where there is none."""
        try:
            status = self._path.lstat()
        except OSError:
            return 0, 0
        return status.st_ino, status.st_size

    def _goes_on(self) -> bool:
        """Whether what was read last still stands where it stood: an editor may have written the file anew."""
        if not self._tail:
            return True
        try:
            with files.reading(self._path) as file:
                file.seek(self._end - len(self._tail))
                return file.read(len(self._tail)) == self._tail
        except OSError:
            return False

    def _append(self, new: _Part) -> None:
        """Add a part; parts of like size become one, so that they stay few however often anybody looks."""
        self._parts.append(new)
        while len(self._parts) > 1 and self._parts[-2].table.num_rows < 2 * self._parts[-1].table.num_rows:
            self._parts[-2:] = [self._parts[-2] + self._parts[-1]]
        unsaved = [part for part in self._parts if not part.saved]  # the last ones
        if unsaved and unsaved[-1].end - unsaved[0].start >= LONG:
            whole = sum(unsaved[1:], unsaved[0])
            self._parts[-len(unsaved) :] = [self._saved(whole)]

    def _saved(self, part: _Part) -> _Part:
        """The part, in the cache where that can be written; it is not tried again before there is as much anew."""
        self._close_piece()
        told = Told(
            engine="",
            start=part.start,
            end=part.end,
            lines=part.last - part.line,
            pieces=tuple(piece for piece in self._pieces if part.start < piece.end <= part.end),
            faults=tuple(one for one in self._faults if part.line < one.line <= part.last),
            repeats=tuple(one for one in self._repeats if part.line < one.line <= part.last),
            content="",
        )
        segments.save(self._run, part.table, told)
        return _Part(part.table, part.start, part.end, part.line, part.last, saved=True)

    def _close_piece(self) -> None:
        if self._end > self._digested:
            self._pieces.append(Piece(end=self._end, digest=self._digest.hexdigest()))
            self._digested, self._digest = self._end, hashlib.sha256()

    def _without_repeats(self, new: pa.Table) -> pa.Table:
        """Those of the new rows whose trial no row before has."""
        import pyarrow as pa
        import pyarrow.compute as pc

        trials = new["trial"]
        if self._are_new(trials):
            return new
        first: dict[str, int] = {}
        for part in self._parts:
            known = part.table.filter(pc.is_in(part.table["trial"], value_set=trials))
            first.update(zip(known["trial"].to_pylist(), known["line"].to_pylist(), strict=True))
        kept = []
        for trial, line in zip(trials.to_pylist(), new["line"].to_pylist(), strict=True):
            kept.append(first.setdefault(trial, line) == line)
            if not kept[-1]:
                self._repeats.append(Repeat(line=line, first=first[trial]))
        return new.filter(pa.array(kept, pa.bool_()))

    def _are_new(self, trials: pa.ChunkedArray) -> bool:
        """Whether these differ from one another, and from those of all rows before."""
        import pyarrow.compute as pc

        if self._seen is None and all(part.saved for part in self._parts):  # who looks once need not remember them
            again = (pc.any(pc.is_in(part.table["trial"], value_set=trials)).as_py() for part in self._parts)
            return pc.count_distinct(trials).as_py() == len(trials) and not any(again)
        if self._seen is None:
            self._seen = {trial for part in self._parts for trial in part.table["trial"].to_pylist()}
        known, found = len(self._seen), trials.to_pylist()
        self._seen.update(found)
        return len(self._seen) == known + len(found)
