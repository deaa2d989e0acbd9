"""The tidy table of a run: one row a trial, its metrics, and their change from the model's baseline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.analysis.names import names_over_runs, short_names
from engine.catalog.columns import CHANGE, IDENTITY, is_taken, metric_of
from engine.errors import LesionError
from engine.harmless import utf8
from engine.profile import Where
from engine.profile.places import single_layer
from engine.record.changes import Baselines
from engine.record.manifest import read_manifest
from engine.record.records import read_trials
from engine.record.trials import TrialRecord

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]


def table(run: Path | Sequence[Path]) -> pd.DataFrame:
    """One row a trial of the run, or of several runs, with the columns of `columns`.

    `level` is NaN on baselines; a metric is NaN where it was measured so and where a trial has none (see `status`).
    Raises LesionError where a journal cannot be read.
    """
    return frame_of(rows(run))


def frame_of(trial_rows: Sequence[Row]) -> pd.DataFrame:
    """Rows as the table: the columns of `columns`, floats everywhere but in the words, `params`, `layer` and `seed`."""
    import pandas as pd

    whole = [{utf8(name): utf8(value) for name, value in row.items()} for row in trial_rows]
    frame = pd.DataFrame(whole, columns=columns(whole))
    floats = [name for name in frame.columns if name == "level" or name not in IDENTITY]
    frame[floats] = frame[floats].astype("float64")
    return frame.astype({"params": "Int64", "layer": "Int64", "seed": "int64"})


def rows(run: Path | Sequence[Path]) -> list[Row]:
    """The same table as plain dictionaries: None where nothing was measured, nan and inf where that was measured."""
    runs = [run] if isinstance(run, Path) else list(run)
    journals = [read_trials(path) for path in runs]
    models = [list(dict.fromkeys(record.model for record in journal)) for journal in journals]
    weights = [_weights(path) if len(runs) > 1 else {} for path in runs]
    names = names_over_runs(list(zip(models, weights, strict=True)))
    return [
        row
        for path, journal, named in zip(runs, journals, names, strict=True)
        for row in tidy(path.resolve().name, journal, named)
    ]


def columns(trial_rows: Iterable[Row]) -> list[str]:
    """`run, trial, model, params, method, group, level, seed, status`, the parts of the group's label (PLACE), the
    metrics, then each `<metric>_change_pct`."""
    return [*IDENTITY, *(metrics := metric_names(trial_rows)), *(metric + CHANGE for metric in metrics)]


def metric_names(trial_rows: Iterable[Row]) -> list[str]:
    """The metrics of these rows, in the order in which the trials first name them."""
    names = dict.fromkeys(name for row in trial_rows for name in row)
    return [name for name in names if name not in IDENTITY and not name.endswith(CHANGE)]


def headlines(metrics: Sequence[str]) -> list[str]:
    """Those of `metrics` that a reader wants first: every perplexity, else what the measurements' headlines name, else
    the first one."""
    from engine import catalog

    told = {name for kind in catalog.measurements().values() for name in kind.headlines or (kind.metrics[0].name,)}
    for names in ({"perplexity"}, told):
        if chosen := [metric for metric in metrics if metric_of(metric).name in names]:
            return chosen
    return list(metrics[:1])


def tidy(run: str, journal: Iterable[TrialRecord], names: Mapping[str, str] | None = None) -> list[Row]:
    """The rows of a run named `run` from the records of its journal, in the order of the profile's grid.

    `names` are what its models are called beside those of other runs, where there are any.
    """
    records = sorted(journal, key=lambda record: record.index)
    baselines, names = Baselines(records), names or short_names(record.model for record in records)
    return [_row(run, record, baselines) | {"model": names[record.model]} for record in records]


def _weights(run: Path) -> dict[str, tuple[str, str]]:
    """What the manifest knows of the weights of a run's models; a run without a manifest tells nothing."""
    try:
        models = read_manifest(run).get("models", {})
    except LesionError:
        return {}
    known = ((model, facts.get("dtype"), facts.get("digest")) for model, facts in models.items())
    return {model: (dtype, digest) for model, dtype, digest in known if dtype is not None and digest is not None}


def _row(run: str, record: TrialRecord, baselines: Baselines) -> Row:
    where = Where.of(record)
    return {
        "run": run,
        "trial": record.trial,
        "model": record.model,
        "params": record.parameters,
        "method": record.method,
        "group": where.label,
        "level": None if record.level is None else float(record.level),
        "seed": record.seed,
        "status": record.status,
        "layer": single_layer(record.layers),
        **{name: text or None for name, text in vars(where).items()},
        **{_column(name): value for name, value in record.metrics.items()},
        **{_column(name) + CHANGE: _figure(change) for name, change in baselines.changes(record).items()},
    }


def _column(metric: str) -> str:
    """What the column of a metric is called: its name, unless another column bears it."""
    return f"{metric} (metric)" if is_taken(metric) else metric


def _figure(change: float | None) -> float:
    """A change as a number of the table: NaN where there is none."""
    return math.nan if change is None else change
