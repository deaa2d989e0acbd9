"""The tidy table of a run: one row a trial, its metrics, and their change from the model's baseline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.analysis.names import names_over_runs
from engine.analysis.tidy import Tidy, column_of, tidy, together
from engine.catalog.columns import CHANGE, IDENTITY, metric_of
from engine.errors import LesionError
from engine.harmless import utf8
from engine.record.columns import cells_of
from engine.record.growing_table import read_columns
from engine.record.manifest import read_manifest

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Row = dict[str, Any]

_BATCH = 1 << 14
"""Rows that are Python objects at one time."""


def table(run: Path | Sequence[Path]) -> pd.DataFrame:
    """One row a trial of the run, or of several runs, with the columns of `columns`.

    `level` is NaN on baselines; a metric is NaN where it was measured so and where a trial has none (see `status`).
    Raises LesionError where a journal cannot be read.
    """
    return frame(arrow(run))


def arrow(run: Path | Sequence[Path]) -> pa.Table:
    """The same table as Arrow: null where nothing was measured, nan and inf where that was measured; words are
    dictionaries, `params`, `layer` and `seed` int64, all else float64. Raises LesionError as `table` does."""
    return together([one.table for one in read(run)])


def rows(run: Path | Sequence[Path]) -> list[Row]:
    """The same table as plain dictionaries, each with the metrics that the trial has; whole numbers stay whole.

    Raises LesionError as `table` does.
    """
    return [row for one in read(run) for row in rows_of(one)]


def read(run: Path | Sequence[Path]) -> list[Tidy]:
    """The runs one by one, models named so that those of different runs can be told apart. Raises LesionError where a
    journal cannot be read."""
    runs = [run] if isinstance(run, Path) else list(run)
    journals = [read_columns(path) for path in runs]
    models = [list(dict.fromkeys(cell.model for cell in cells_of(journal)[1])) for journal in journals]
    weights = [_weights(path) if len(runs) > 1 else {} for path in runs]
    names = names_over_runs(list(zip(models, weights, strict=True)))
    return [tidy(path.resolve().name, *one) for path, *one in zip(runs, journals, names, strict=True)]


def rows_of(tidied: Tidy) -> Iterator[Row]:
    """The rows of one run as `rows` has them, one by one."""
    own = [tuple(map(column_of, cell.metrics)) for cell in tidied.cells]
    codes = iter(tidied.codes.tolist())
    for batch in batches(tidied):
        identity = zip(*(batch[name] for name in IDENTITY), strict=True)
        for at, named in enumerate(identity):
            metrics = own[next(codes)]
            row: Row = dict(zip(IDENTITY, named, strict=True)) | {name: batch[name][at] for name in metrics}
            yield row | {name + CHANGE: batch[name + CHANGE][at] for name in metrics}


def batches(tidied: Tidy) -> Iterator[dict[str, list[Any]]]:
    """The table of one run as lists, some rows at a time: None where nothing was measured; whole numbers stay whole."""
    import numpy as np

    whole = {name: np.zeros(len(tidied.cells), dtype=bool) for name in tidied.metrics}
    for place, cell in enumerate(tidied.cells):
        for metric, written in zip(cell.metrics, cell.whole, strict=True):
            whole[column_of(metric)][place] = written
    for start in range(0, tidied.table.num_rows, _BATCH):
        batch: dict[str, list[Any]] = tidied.table.slice(start, _BATCH).to_pydict()
        codes = tidied.codes[start : start + _BATCH]
        for name in filter(lambda name: whole[name].any(), whole):
            for at in np.flatnonzero(whole[name][codes]):
                batch[name][at] = int(batch[name][at])
        yield batch


def columns(trial_rows: Iterable[Row]) -> list[str]:
    """`run, trial, model, params, method, group, level, seed, status`, the parts of the group's label (PLACE), the
    metrics, then each `<metric>_change_pct`."""
    return [*IDENTITY, *(metrics := metric_names(trial_rows)), *(metric + CHANGE for metric in metrics)]


def metric_names(trial_rows: Iterable[Iterable[str]]) -> list[str]:
    """The metrics of these rows, in the order in which the trials first name them."""
    names = dict.fromkeys(name for row in trial_rows for name in row)
    return [name for name in names if name not in IDENTITY and not name.endswith(CHANGE)]


def frame(trials: pa.Table) -> pd.DataFrame:
    """A table of `arrow` as pandas: floats everywhere but in the words, `params`, `layer` and `seed`."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    def column(name: str) -> Any:
        values = trials[name]
        if name in ("params", "layer"):
            return values.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
        if not (pa.types.is_dictionary(values.type) or pa.types.is_string(values.type)):
            return np.array(values.to_numpy())  # its own, to be written to
        if values.null_count == len(values):
            return np.full(len(values), None, dtype=object)
        return values.cast(pa.string()).to_pandas()

    with ThreadPoolExecutor() as pool:  # most of the time goes into touching new memory
        given = dict(zip(trials.column_names, pool.map(column, trials.column_names), strict=True))
    return pd.DataFrame(given, columns=trials.column_names, copy=False)


def frame_of(trial_rows: Sequence[Row]) -> pd.DataFrame:
    """Rows as the table that `table` makes of runs."""
    import pandas as pd

    whole = [{utf8(name): utf8(value) for name, value in row.items()} for row in trial_rows]
    made = pd.DataFrame(whole, columns=columns(whole))
    floats = [name for name in made.columns if name == "level" or name not in IDENTITY]
    made[floats] = made[floats].astype("float64")
    return made.astype({"params": "Int64", "layer": "Int64", "seed": "int64"})


def headlines(metrics: Sequence[str]) -> list[str]:
    """Those of `metrics` that a reader wants first: every perplexity, else what the measurements' headlines name, else
    the first one."""
    from engine import catalog

    told = {name for kind in catalog.measurements().values() for name in kind.headlines or (kind.metrics[0].name,)}
    for names in ({"perplexity"}, told):
        if chosen := [metric for metric in metrics if metric_of(metric).name in names]:
            return chosen
    return list(metrics[:1])


def _weights(run: Path) -> dict[str, tuple[str, str]]:
    """What the manifest knows of the weights of a run's models; a run without a manifest tells nothing."""
    try:
        models = read_manifest(run).get("models", {})
    except LesionError:
        return {}
    known = ((model, facts.get("dtype"), facts.get("digest")) for model, facts in models.items())
    return {model: (dtype, digest) for model, dtype, digest in known if dtype is not None and digest is not None}
