"""From the columns of a journal to the tidy table: the order of the grid, words from cells, changes from baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.analysis.names import short_names
from engine.catalog.columns import CHANGE, IDENTITY, PLACE, is_taken
from engine.record.changes import is_change
from engine.record.columns import METRIC, Cell, cells_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Tidy:
    """The trials of one run in the order of the profile's grid.

    `table` has the columns IDENTITY, then the metrics, then their changes. Words are dictionaries; numbers are int64
    (params, layer, seed) and float64: null where nothing was measured, NaN where that was. `codes` say of every row
    which of the `cells` it belongs to, `baselines` which row is its baseline (see `Baselines`), -1 where none is, and
    `starts` where in the journal its line begins.
    """

    table: pa.Table
    codes: NDArray[np.int32]
    cells: list[Cell]
    baselines: NDArray[np.int64]
    starts: NDArray[np.int64]
    metrics: list[str]
    """The columns of metrics, in the order in which the trials first name them."""


def tidy(run: str, trials: pa.Table, names: Mapping[str, str] | None = None) -> Tidy:
    """The tidy table of a run named `run`, of its columns (see `Columns`).

    `names` are what its models are called beside those of other runs, where there are any.
    """
    import pyarrow as pa

    trials = in_order(trials)
    codes, cells = cells_of(trials)
    names = names or short_names(cell.model for cell in cells)
    words: dict[str, list[str | None]] = {"run": [run] * len(cells), "model": [names[cell.model] for cell in cells]}
    words |= {name: [getattr(cell, name) for cell in cells] for name in ("method", "group", "status")}
    words |= {name: [getattr(cell, name) or None for cell in cells] for name in PLACE if name != "layer"}
    numbers = {name: pa.array([getattr(cell, name) for cell in cells], pa.int64()) for name in ("params", "layer")}
    known = {name: _spread(values, codes) for name, values in words.items()}
    known |= {name: values.take(pa.array(codes)) for name, values in numbers.items()}
    known |= {name: trials[name] for name in ("trial", "seed", "level")}
    measured, baselines = _metrics(codes, cells), _baselines(trials, codes, cells)
    columns = {name: known[name] for name in IDENTITY}
    for metric in measured:
        _add(columns, column_of(metric), trials[METRIC + metric])
    own = list(columns)[len(IDENTITY) :]
    undamaged = _measured(baselines, codes, cells)
    for metric in measured:
        _add(columns, column_of(metric) + CHANGE, _change(metric, trials[METRIC + metric], undamaged))
    return Tidy(pa.table(columns), codes, cells, baselines, trials["start"].to_numpy(), own)


def column_of(metric: str) -> str:
    """What the column of a metric is called: its name, unless another column bears it."""
    return f"{metric} (metric)" if is_taken(metric) else metric


def together(tables: Sequence[pa.Table]) -> pa.Table:
    """The tidy tables of several runs as one: all their metrics, then all their changes."""
    import pyarrow as pa

    names = dict.fromkeys(name for table in tables for name in table.column_names[len(IDENTITY) :])
    metrics = [name for name in names if not name.endswith(CHANGE)]
    whole = pa.concat_tables(tables, promote_options="default")
    return whole.select([*IDENTITY, *metrics, *(metric + CHANGE for metric in metrics)]).unify_dictionaries()


def in_order(trials: pa.Table) -> pa.Table:
    """The trials by their place in the grid; those of one place in the order of the file."""
    import numpy as np

    index = trials["index"].to_numpy()
    return trials.take(np.argsort(index, kind="stable")) if (index[1:] < index[:-1]).any() else trials


def _spread(values: Sequence[str | None], codes: NDArray[np.int32]) -> pa.DictionaryArray:
    """A word for every row, from the words of the cells."""
    import numpy as np
    import pyarrow as pa

    words = list(dict.fromkeys(word for word in values if word is not None))
    places: dict[str | None, int] = {word: place for place, word in enumerate(words)}
    found = np.array([places.get(word, -1) for word in values], dtype=np.int32)[codes] if values else codes
    return pa.DictionaryArray.from_arrays(pa.array(found, mask=found < 0), pa.array(words, pa.string()))


def _metrics(codes: NDArray[np.int32], cells: Sequence[Cell]) -> list[str]:
    """The metrics in the order in which the rows first name them."""
    import numpy as np

    first = np.full(len(cells), len(codes))
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # what is written last stays
    named = (cells[place].metrics for place in np.argsort(first, kind="stable") if first[place] < len(codes))
    return list(dict.fromkeys(metric for metrics in named for metric in metrics))


def _add(columns: dict[str, Any], name: str, values: Any) -> None:
    """Add a column; a second one of the same name has the say where it has a value."""
    import pyarrow.compute as pc

    columns[name] = pc.coalesce(values, columns[name]) if name in columns else values


def _change(metric: str, held: pa.ChunkedArray, undamaged: NDArray[np.int64]) -> pa.Array:
    """The change of every row from its baseline in percent, as `engine.record.changes.change_pct` has it: null where
    nothing was measured, NaN where there is no percentage. `undamaged` are the baselines' rows, -1 where none is."""
    import numpy as np
    import pyarrow as pa

    values = held.to_numpy()  # NaN where there is none
    if is_change(metric):
        change = np.full(len(values), np.nan)
    else:
        baseline = np.append(values, np.nan)[undamaged]
        with np.errstate(all="ignore"):
            change = (values - baseline) / np.abs(baseline) * 100
        change[~np.isfinite(baseline) | (baseline == 0) | (np.isinf(change) & np.isfinite(values))] = np.nan
    return pa.array(change, mask=held.is_null().to_numpy(), from_pandas=False)


def _measured(baselines: NDArray[np.int64], codes: NDArray[np.int32], cells: Sequence[Cell]) -> NDArray[np.int64]:
    """Those of the baselines that have results."""
    import numpy as np

    has = np.append(_of_cells((cell.status == "ok" for cell in cells), codes, np.bool_), False)
    return np.where(has[baselines], baselines, -1)


def _baselines(trials: pa.Table, codes: NDArray[np.int32], cells: Sequence[Cell]) -> NDArray[np.int64]:
    """For every row that of its baseline: the first of the same model and seed, or the only one of the model; -1 where
    there is none."""
    import numpy as np

    seeds, seed = np.unique(trials["seed"].to_numpy(), return_inverse=True)
    models = {model: place for place, model in enumerate(dict.fromkeys(cell.model for cell in cells))}
    model = _of_cells((models[cell.model] for cell in cells), codes, np.int64)
    pairs = model * max(len(seeds), 1) + seed
    undamaged = np.flatnonzero(_of_cells((cell.baseline for cell in cells), codes, np.bool_))
    of_pair, first = np.unique(pairs[undamaged], return_index=True)
    rows = undamaged[first]
    found = np.searchsorted(of_pair, pairs)
    own = np.append(of_pair, -1)[found] == pairs
    count, only = np.bincount(model[rows], minlength=len(models)), np.full(len(models), -1)
    only[model[rows]] = rows
    return np.where(own, np.append(rows, -1)[found], np.where(count == 1, only, -1)[model])


def _of_cells(values: Iterable[Any], codes: NDArray[np.int32], kind: type) -> NDArray[Any]:
    """A value for every row, from those of the cells."""
    import numpy as np

    return np.array(list(values), dtype=kind)[codes]
