"""Cells: trials that differ in nothing but the seed, what a filter leaves out of them, and their summary."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.analysis.reports.choices import Choices
from engine.analysis.statistics.outliers import Filtering, filtered
from engine.analysis.statistics.summary import Summary, summarise

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Cell:
    """A metric of trials of one model, method, group and level.

    Attributes:
        runs: where they are from: one run, or all that were pooled.
        group: the label of the group, with what it was narrowed to; empty for undamaged models. level: None for these.
        params: of the model; None where it is not known.
        values: of the trials that ended well, in the order of the table, nan and inf among them.
        trials: their keys. missing: how many more failed or ran out of memory.
        filtering: what the filter did; positions are those in `values`.
        before, after: the summary of all values, and of those that the filter leaves.
    """

    metric: str
    runs: tuple[str, ...]
    model: str
    params: int | None
    method: str
    group: str
    level: float | None
    values: tuple[float, ...]
    trials: tuple[str, ...]
    missing: int
    filtering: Filtering
    before: Summary
    after: Summary

    @property
    def kept(self) -> list[float]:
        """The finite values that the filter leaves, as they were measured, with their sign."""
        return [self.values[place] for place in self.filtering.kept]

    @property
    def removed(self) -> list[str]:
        """The keys of the trials that the filter left out."""
        return [self.trials[place] for place in self.filtering.removed]


def cells(frame: pd.DataFrame, metric: str, choices: Choices) -> Iterator[Cell]:
    """The cells of a table, in its order; those without any value of the metric are passed over."""
    keys = ["model", "method", "group", "level"] if choices.pool else ["run", "model", "method", "group", "level"]
    for _, rows in frame.groupby(keys, sort=False, dropna=False):
        ok = rows[rows["status"] == "ok"]
        values = [float(value) for value in ok[metric]]
        if any(not math.isnan(value) for value in values):
            yield _cell(rows, ok, metric, values, choices)


def _cell(rows: pd.DataFrame, ok: pd.DataFrame, metric: str, values: list[float], choices: Choices) -> Cell:
    first = rows.iloc[0]
    judged = values if choices.filter_metric is None else [float(value) for value in ok[choices.filter_metric]]
    filtering = filtered(
        [abs(value) for value in judged] if choices.absolute else judged, choices.applied, choices.limit
    )
    if choices.filter_metric is not None:  # what has no finite value of its own is in neither
        filtering = _of_finite(filtering, values)
    how = {"absolute": choices.absolute, "confidence": choices.confidence, "seed": choices.seed}
    before = summarise(values, **how)  # type: ignore[arg-type]
    kept = [values[place] for place in filtering.kept]
    return Cell(
        metric=metric,
        runs=tuple(dict.fromkeys(map(str, rows["run"]))),
        model=str(first["model"]),
        params=None if _missing(first["params"]) else int(first["params"]),
        method=str(first["method"]),
        group=first["group"] if isinstance(first["group"], str) else "",
        level=None if _missing(first["level"]) else float(first["level"]),
        values=tuple(values),
        trials=tuple(map(str, ok["trial"])),
        missing=len(rows) - len(ok),
        filtering=filtering,
        before=before,
        after=summarise(kept, **how) if filtering.removed else before,  # type: ignore[arg-type]
    )


def _of_finite(filtering: Filtering, values: Sequence[float]) -> Filtering:
    """The same filtering of another metric's values: what is not finite here is in neither part."""
    from dataclasses import replace

    kept, removed = (
        tuple(place for place in places if math.isfinite(values[place]))
        for places in (filtering.kept, filtering.removed)
    )
    return replace(filtering, kept=kept, removed=removed)


def _missing(value: object) -> bool:
    import pandas as pd

    return bool(pd.isna(value))  # type: ignore[call-overload]
