"""Cells: trials that differ in nothing but the seed, what a filter leaves out of them, and their summary."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from engine import catalog
from engine.analysis.statistics.outliers import Filtering, filtered
from engine.analysis.statistics.summary import Summary, summarise
from engine.catalog.columns import CHANGE
from engine.catalog.infos import MetricInfo
from engine.profile import Analysis

if TYPE_CHECKING:
    import pandas as pd

_Thing = TypeVar("_Thing")
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True)
class Cell:
    """A metric of trials of one model, method, group and level.

    Attributes:
        runs: where they are from: one run, or all that were pooled.
        group: the label of the group, with what it was narrowed to; empty for undamaged models. level: None for these.
        params: of the model; None where it is not known.
        values: of the trials that ended well, in the order of the table, nan and inf among them.
        trials, seeds: theirs. missing: how many more failed or ran out of memory.
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
    seeds: tuple[int, ...]
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


def cells(frame: pd.DataFrame, metric: str, choices: Analysis) -> Iterator[Cell]:
    """The cells of a table, in its order; those of methods after which the metric is not measured are passed over."""
    known = frame[frame[metric].notna()]
    measured, ended = set(known["method"]), set(frame[frame["status"] == "ok"]["method"])
    keys = ["model", "method", "group", "level"] if choices.pool else ["run", "model", "method", "group", "level"]
    for _, rows in frame.groupby(keys, sort=False, dropna=False):
        method = rows["method"].iloc[0]
        if method in measured or (measured and method not in ended):
            yield _cell(rows, metric, choices)


def is_log(metric: str) -> bool:
    """Whether a metric is read on a logarithmic axis; a change, which has a sign, never is."""
    known = info(metric)
    return known is not None and known.log


def info(metric: str) -> MetricInfo | None:
    """What the catalog knows of a metric; None of a change of one."""
    return None if metric.endswith(CHANGE) else catalog.metric(metric)


def grouped(things: Iterable[_Thing], key: Callable[[_Thing], _Key]) -> dict[_Key, list[_Thing]]:
    """The things by their key, in the order in which keys come up."""
    groups: dict[_Key, list[_Thing]] = {}
    for thing in things:
        groups.setdefault(key(thing), []).append(thing)
    return groups


def _cell(rows: pd.DataFrame, metric: str, choices: Analysis) -> Cell:
    first, ok = rows.iloc[0], rows[rows["status"] == "ok"]
    values = [float(value) for value in ok[metric]]
    filtering = _filtered(ok, values, choices)
    before = _summary(values, choices)
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
        seeds=tuple(int(seed) for seed in ok["seed"]),
        missing=len(rows) - len(ok),
        filtering=filtering,
        before=before,
        after=_summary(kept, choices) if filtering.removed else before,
    )


def _summary(values: Sequence[float], choices: Analysis) -> Summary:
    return summarise(values, absolute=choices.absolute, confidence=choices.confidence, seed=choices.bootstrap_seed)


def _filtered(ok: pd.DataFrame, values: Sequence[float], choices: Analysis) -> Filtering:
    judged = values if choices.filter_metric is None else [float(value) for value in ok[choices.filter_metric]]
    seen = [abs(value) for value in judged] if choices.absolute else judged
    found = filtered(seen, choices.filter_method, choices.filter_limit)
    return found if choices.filter_metric is None else _of_finite(found, values)


def _of_finite(filtering: Filtering, values: Sequence[float]) -> Filtering:
    """The same filtering, by another metric: kept is what it does not remove, and what is not finite is in neither."""
    from dataclasses import replace

    finite = [place for place, value in enumerate(values) if math.isfinite(value)]
    removed = tuple(place for place in finite if place in filtering.removed)
    return replace(filtering, kept=tuple(place for place in finite if place not in removed), removed=removed)


def _missing(value: object) -> bool:
    import pandas as pd

    return bool(pd.isna(value))  # type: ignore[call-overload]
