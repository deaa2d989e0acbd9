"""Trials as columns: lines of trials.jsonl made into an Arrow table, without an object a trial.

What many trials share stands once, in a `Cell`; a row has the number of its cell and what is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from engine.harmless import utf8
from engine.profile.places import Where, single_layer
from engine.record.fields import Fields
from engine.record.kinds import Count, Flag, Text, Whole
from engine.record.lines import Plain, parse
from engine.record.records import check_line
from engine.record.trials import Status, TrialRecord, metrics

if TYPE_CHECKING:
    import pyarrow as pa

METRIC = "metric "
"""Stands before the name of a metric in the name of its column."""

_CHUNK = 1 << 16
"""Rows that are held as Python objects before they become Arrow."""

_FLOATS = frozenset({float})
_NAMED = ("model", "baseline", "method", "group", "status")
_PLACE = ("layers", "heads", "experts", "options", "select", "before", "then")


@dataclass(frozen=True, kw_only=True)
class Cell(Fields):
    """What the trials of one model, method and place have in common, as the table has it."""

    model: Text
    params: Count | None
    baseline: Flag
    method: Text
    status: Status
    imported: Flag
    group: Text | None
    """The label of the place, see `Where`; then its parts, empty where there is none."""
    layer: Whole | None
    part: Text
    layers: Text
    heads: Text
    experts: Text
    select: Text
    score: Text
    options: Text
    before: Text
    then: Text
    metrics: tuple[Text, ...]
    """What was measured, in the order of the record."""
    whole: tuple[Flag, ...]
    """Of each metric whether it was written as a whole number."""

    @classmethod
    def of(cls, record: TrialRecord) -> Cell:
        """The cell of a trial; texts without what UTF-8 cannot hold."""
        where = Where.of(record)
        return cls(
            model=utf8(record.model),
            params=record.parameters,
            baseline=record.baseline,
            method=utf8(record.method),
            status=record.status,
            imported=record.imported is not None,
            group=utf8(where.label),
            layer=single_layer(record.layers),
            **{name: utf8(text) for name, text in vars(where).items()},
            metrics=tuple(map(utf8, record.metrics)),
            whole=tuple(isinstance(value, int) for value in record.metrics.values()),
        )


@dataclass
class _Measured:
    """Values of the metrics of one set of names, until they become columns: a row number and a value a metric each."""

    names: tuple[str, ...]
    rows: list[int] = field(default_factory=list)
    values: list[tuple[float, ...]] = field(default_factory=list)


class Columns:
    """Takes the lines of a journal one by one; hands out what they say as a table.

    Its columns: `line` (place in the file, from 1), `start` (the offset of its first byte), `trial`, `index`, `seed`,
    `level` (null on a baseline), `cell` (a dictionary of cells as JSON), then the metrics, each with METRIC before its
    name: null where a trial has none, NaN where that was measured.
    """

    def __init__(self) -> None:
        self._cells: dict[tuple[Any, ...], tuple[int, _Measured]] = {}
        self._texts: dict[bytes, int] = {}
        self._measured: dict[tuple[str, ...], _Measured] = {}
        self._chunks: list[pa.Table] = []
        self._own: tuple[list[Any], ...] = ([], [], [], [], [], [], [])

    def add(self, place: int, start: int, line: bytes) -> str:
        """Take a line, given by its place in the file, its offset, and what it holds. What keeps it from being a
        record, in words, or an empty text."""
        plain, reason = check_line(line, TrialRecord)
        if plain is None:
            return reason
        measured = plain["metrics"]
        if not _FLOATS.issuperset(map(type, measured.values())):
            measured = metrics.read(measured)
        cell, bucket = self._cell(line, plain, measured)
        places, starts, trials, indices, seeds, levels, cells = self._own
        if measured:
            bucket.rows.append(len(places))
            bucket.values.append(tuple(measured.values()))
        places.append(place)
        starts.append(start)
        trials.append(plain["trial"])
        indices.append(plain["index"])
        seeds.append(plain["seed"])
        levels.append(plain["level"])
        cells.append(cell)
        if len(places) == _CHUNK:
            self._pack()
        return ""

    def take(self) -> pa.Table:
        """What was added since the last time."""
        import pyarrow as pa

        self._pack()
        chunks, self._chunks = self._chunks, []
        return pa.concat_tables(chunks, promote_options="default")

    def _cell(self, line: bytes, plain: Plain, measured: dict[str, float]) -> tuple[int, _Measured]:
        """The number of a line's cell, and where its metrics are collected."""
        place: list[Any] | str = [plain.get(name) for name in _PLACE]
        if any(place) and "e+" in (place := repr(place)):  # a number of more than 64 bits, which orjson rounds
            exact = parse(line) or plain
            place = repr([exact.get(name) for name in _PLACE])
        told = (*(plain[name] for name in _NAMED), plain.get("parameters"), plain.get("imported") is None)
        kinds = map(type, measured.values())
        key = (*told, place if isinstance(place, str) else "", *measured, *kinds)
        known = self._cells.get(key)
        if known is None:
            text = orjson.dumps(Cell.of(TrialRecord.decode(parse(line) or plain)).encode())
            names = tuple(map(utf8, measured))
            bucket = self._measured.setdefault(names, _Measured(names))
            known = self._cells[key] = self._texts.setdefault(text, len(self._texts)), bucket
        return known

    def _pack(self) -> None:
        """Make Arrow of the rows collected so far."""
        import numpy as np
        import pyarrow as pa

        places, starts, trials, indices, seeds, levels, cells = self._own
        count = len(places)
        if not all(map(str.isascii, trials)):
            trials[:] = map(utf8, trials)
        texts = pa.array([text.decode() for text in self._texts], pa.string())
        columns = {
            "line": pa.array(places, pa.int64()),
            "start": pa.array(starts, pa.int64()),
            "trial": pa.array(trials, pa.string()),
            "index": pa.array(indices, pa.int64()),
            "seed": pa.array(seeds, pa.int64()),
            "level": pa.array([None if one is None else float(one) for one in levels], pa.float64()),
            "cell": pa.DictionaryArray.from_arrays(pa.array(cells, pa.int32()), texts),
        }
        figures: dict[str, tuple[Any, Any]] = {}
        for bucket in filter(lambda bucket: bucket.rows, self._measured.values()):
            rows, values = np.array(bucket.rows), np.array(bucket.values, dtype="float64")
            for at, name in enumerate(bucket.names):
                held, missing = figures.setdefault(METRIC + name, (np.zeros(count), np.ones(count, dtype=bool)))
                held[rows], missing[rows] = values[:, at], False
            bucket.rows.clear()
            bucket.values.clear()
        columns |= {name: pa.array(held, mask=missing, from_pandas=False) for name, (held, missing) in figures.items()}
        self._chunks.append(pa.table(columns))
        for own in self._own:
            own.clear()


def cells_of(trials: pa.Table) -> tuple[Any, list[Cell]]:
    """Of a table that `Columns` made: the number of every row's cell, an array of int32, and the cells."""
    import numpy as np

    column = trials["cell"].unify_dictionaries()
    if not column.num_chunks:
        return np.zeros(0, dtype="int32"), []
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in column.chunks])
    return codes, [Cell.decode(orjson.loads(text)) for text in column.chunk(0).dictionary.to_pylist()]


def counts(trials: pa.Table) -> list[tuple[Cell, int]]:
    """The cells of a table that `Columns` made, each with how many trials it has."""
    import numpy as np

    codes, cells = cells_of(trials)
    return list(zip(cells, np.bincount(codes, minlength=len(cells)).tolist(), strict=True))


def are_columns(table: pa.Table) -> bool:
    """Whether a table, which may be from anywhere, is one that `Columns` could have made."""
    import pyarrow as pa

    fixed = Columns().take().schema
    named = table.schema.names[len(fixed) :]
    figures = [pa.field(METRIC + name.removeprefix(METRIC), pa.float64()) for name in named]
    if not table.schema.equals(pa.schema([*fixed, *figures])) or len(set(named)) < len(named):
        return False
    if any(table[name].null_count for name in fixed.names if name != "level"):
        return False
    texts = [text for chunk in table["cell"].chunks for text in chunk.dictionary.to_pylist()]
    cells = [parse(text.encode()) for text in texts]
    whole = all(cell is not None and Cell.fault(cell) is None for cell in cells)
    return whole and all(METRIC + name in named for cell in cells if cell for name in cell["metrics"])


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables of `Columns` one after the other."""
    import pyarrow as pa

    return pa.concat_tables(tables, promote_options="default").unify_dictionaries()
