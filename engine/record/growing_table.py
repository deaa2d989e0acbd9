"""The trials of a run as a table that grows with the journal: what was read once is not read again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import LesionError
from engine.record.columns import Columns, joined
from engine.record.directory import TRIALS
from engine.record.lines import complete_blocks
from engine.record.records import fault_words, repeat_words

if TYPE_CHECKING:
    import pyarrow as pa


def read_columns(run: Path) -> pa.Table:
    """The committed trials of a run, see `Columns`, in the order of the file; of a trial recorded twice, the first.

    Raises LesionError naming file and line where a line in the middle cannot be read.
    """
    growing = GrowingTable(run)
    growing.look()
    if growing.faults:
        raise LesionError(growing.faults[0])
    return growing.table


class GrowingTable:
    """The trials of one run that can be read, and a sentence for each line that cannot or that does not count."""

    def __init__(self, run: Path) -> None:
        self._path = run / TRIALS
        self._parts: list[pa.Table] = []
        self._inode = self._end = self._lines = 0
        self.faults: list[str] = []
        """About lines that cannot be read, in the order of the file."""
        self.repeats: list[str] = []
        """About trials that were recorded twice."""

    def look(self) -> bool:
        """Read what was added since the last look, all anew where the file is another one; whether anything was.

        Raises LesionError where the file cannot be read.
        """
        inode, size = self._file()
        if (inode, max(size, self._end)) != (self._inode, size):
            self._parts, self._inode, self._end, self._lines = [], inode, 0, 0
            self.faults, self.repeats = [], []
        columns, before = Columns(), self._end
        for block in complete_blocks(self._path, self._end):
            for line in block[:-1].split(b"\n"):
                self._lines += 1
                if reason := columns.add(self._lines, self._end, line):
                    self.faults.append(fault_words(self._path, self._lines, reason))
                self._end += len(line) + 1
        if self._end > before:
            self._append(columns.take())
        return self._end > before

    @property
    def table(self) -> pa.Table:
        """All trials so far, in the order of the file."""
        return joined(self._parts or [Columns().take()])

    def _file(self) -> tuple[int, int]:
        """Inode and size of the journal; zeros where there is none."""
        try:
            status = self._path.lstat()
        except OSError:
            return 0, 0
        return status.st_ino, status.st_size

    def _append(self, new: pa.Table) -> None:
        self._parts.append(self._without_repeats(new))
        while len(self._parts) > 1 and self._parts[-2].num_rows < 2 * self._parts[-1].num_rows:
            self._parts[-2:] = [joined(self._parts[-2:]).combine_chunks()]

    def _without_repeats(self, new: pa.Table) -> pa.Table:
        """Those of the new rows whose trial no row before has."""
        import pyarrow as pa
        import pyarrow.compute as pc

        trials = new["trial"]
        again = [part.filter(pc.is_in(part["trial"], value_set=trials)) for part in self._parts]
        if pc.count_distinct(trials).as_py() == len(trials) and not any(part.num_rows for part in again):
            return new
        first: dict[str, int] = {}
        for part in again:
            first.update(zip(part["trial"].to_pylist(), part["line"].to_pylist(), strict=True))
        kept = []
        for trial, line in zip(trials.to_pylist(), new["line"].to_pylist(), strict=True):
            kept.append(first.setdefault(trial, line) == line)
            if not kept[-1]:
                self.repeats.append(repeat_words(self._path, line, first[trial]))
        return new.filter(pa.array(kept, pa.bool_()))
