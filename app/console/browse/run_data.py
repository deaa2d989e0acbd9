"""A run as the Browse screen reads it: its trials as an Arrow table, their baselines, and where their texts lie.

Everything here is read from the run directory and may take seconds for a long run: call it in a thread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.safe import line, plain
from engine import files
from engine.analysis import Tidy, tidy
from engine.catalog.columns import CHANGE
from engine.record.growing_table import GrowingTable
from engine.record.lines import complete_lines
from engine.record.records import read_line, record_at
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord

if TYPE_CHECKING:
    import pyarrow as pa

Extent = tuple[int, int]
"""First byte and the byte after the last of lines that follow one another in a file."""

WORDS = ("model", "method", "group", "status")
NUMBERS = ("level", "seed")
MOST_TEXTS = 40  # of one trial that are read and shown

_TRIAL = re.compile(rb'"trial": ?"([^"]*)"')


@dataclass(frozen=True, repr=False, eq=False)
class RunData:
    """One reading of a run. `tidied`, `table` and `haystack` run in parallel, in the order of the profile's grid."""

    run: Path
    tidied: Tidy
    table: pa.Table
    """Columns: model, method, group, level, seed, the first metric and its change, status, the other metrics."""
    haystack: pa.Array
    """What a filter's words are looked for in: the words and numbers that name a trial, in small letters."""
    faults: list[str]
    texts: dict[str, list[Extent]] = field(default_factory=dict)
    """Where in generations.jsonl a trial's texts lie, by its key."""
    stamp: tuple[int, ...] = ()
    """Sizes of the files when they were read: a change means that there is more."""
    _records: dict[int, TrialRecord] = field(default_factory=dict)

    def record(self, row: int) -> TrialRecord | None:
        """The journal's record of a row; None where the journal was replaced since it was read."""
        if row not in self._records:
            record = record_at(self.run, int(self.tidied.starts[row]))
            if record is None:
                return None
            self._records[row] = record
        return self._records[row]

    def baseline(self, row: int) -> TrialRecord | None:
        """That of the row's baseline; None where it has none."""
        baseline = int(self.tidied.baselines[row])
        return None if baseline < 0 else self.record(baseline)

    def key(self, row: int) -> str:
        """The key of a row's trial."""
        return str(self.tidied.table["trial"][row].as_py())

    def place(self, trial: str) -> int | None:
        """The row of a trial, given by its key; None where it is not there."""
        import pyarrow.compute as pc

        found = pc.index(self.tidied.table["trial"], trial).as_py()
        return None if found < 0 else found


class RunReader:
    """Reads one run again and again, of its files only what was added; the last reading stays as it is."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._trials = GrowingTable(run)
        self._texts = Texts(run / "generations.jsonl")

    def read(self) -> RunData:
        """What is there now, damaged lines left out and named in `faults`. Raises LesionError when a file cannot be
        read."""
        stamp = sizes(self._run)
        self._trials.look()
        tidied = tidy(self._run.name, self._trials.table)
        faults = [*self._trials.faults, *self._trials.repeats]
        return RunData(self._run, tidied, _table(tidied), _haystack(tidied.table), faults, self._texts.extents(), stamp)


def read(run: Path) -> RunData:
    """Reads a run once, see `RunReader`."""
    return RunReader(run).read()


def sizes(run: Path) -> tuple[int, ...]:
    """Sizes in bytes of the journals; 0 for one that is not there."""
    paths = (run / "trials.jsonl", run / "generations.jsonl")
    return tuple(path.lstat().st_size if files.is_plain(path) else 0 for path in paths)


class Texts:
    """Where each trial's lines lie in a file of texts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._end = 0
        self._by_trial: dict[str, list[Extent]] = {}

    def extents(self) -> dict[str, list[Extent]]:
        """By trial, without parsing the lines; those of one trial that touch are one extent. Only what was added since
        the last time is read, all where the file became shorter.

        Raises LesionError when the file cannot be read.
        """
        if not files.is_plain(self._path) or self._path.lstat().st_size < self._end:
            self._end, self._by_trial = 0, {}
        for text, end in complete_lines(self._path, self._end):
            start, self._end = self._end, end
            if match := _TRIAL.search(text, 0, 200):
                spans = self._by_trial.setdefault(match[1].decode(errors="replace"), [])
                if spans and spans[-1][1] == start:
                    spans[-1] = (spans[-1][0], end)
                else:
                    spans.append((start, end))
        return self._by_trial


def read_texts(data: RunData, trial: str) -> list[TextRecord]:
    """The generated texts of a trial, at most MOST_TEXTS, in the order of the file; damaged lines are passed over."""
    texts: list[TextRecord] = []
    path = data.run / "generations.jsonl"
    for start, end in data.texts.get(trial, []):
        with files.reading(path) as file:
            file.seek(start)
            while file.tell() < end and len(texts) < MOST_TEXTS:
                written, _ = read_line(file.readline(), TextRecord)
                if written is not None:
                    texts.append(written)
    return texts


def _table(tidied: Tidy) -> pa.Table:
    """Measured NaN stays NaN; what was not measured is null."""
    import pyarrow as pa

    trials, metrics = tidied.table, tidied.metrics
    columns = {name: _words(trials[name]) for name in ("model", "method", "group")}
    columns |= {name: trials[name] for name in ("level", "seed")}
    columns |= {name: trials[name] for first in metrics[:1] for name in (first, first + CHANGE)}
    columns["status"] = _words(trials["status"])
    columns |= {name: trials[name] for name in metrics[1:]}
    return pa.table(columns)


def _words(column: pa.ChunkedArray, longest: int = 60) -> pa.Array:
    """Words as they are shown, from a column in which each stands once."""
    import pyarrow as pa

    words = column.combine_chunks()
    shown = [line(word, longest=longest) if word else word for word in words.dictionary.to_pylist()]
    return pa.array(shown, pa.string()).take(words.indices)


def _haystack(trials: pa.Table) -> pa.Array:
    """The words and numbers that name a trial, as they stand in the table, in small letters."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def texts(name: str, shown: Any) -> pa.Array:
        words = trials[name].combine_chunks().dictionary_encode()
        return pa.array([shown(word) for word in words.dictionary.to_pylist()], pa.string()).take(words.indices)

    def word(value: str | None) -> str:
        return plain(value or "").lower()

    method = texts("method", lambda name: ("baseline " if name == "none" else "") + word(name))
    named = [texts("model", word), method, texts("group", word), texts("status", word)]
    named += [texts("level", lambda level: f"{level:g}"), texts("seed", str), texts("trial", word)]
    return pc.binary_join_element_wise(*(pc.fill_null(one, "") for one in named), " ")
