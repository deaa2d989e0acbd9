"""The map of a layer scan: what damage to each layer by itself does to a metric, a row a method, group and level."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.analysis.curves import check_metric, mean
from engine.catalog.columns import CHANGE
from engine.profile import Where
from engine.record.changes import is_change

if TYPE_CHECKING:
    import pandas as pd

_Scan = tuple[str, str, str]
"""Model, method, and the label of the group without its layer."""

_REST = ("part", "heads", "experts", "select", "score", "options")
"""What of a place stays the same in a scan of its layers."""


@dataclass(frozen=True)
class Cell:
    """One layer of one row, over the seeds.

    `mean` of the `n` finite values, NaN where there is none; `nonfinite` seeds measured nan or inf, `missing` seeds
    measured nothing (status failed or oom).
    """

    mean: float
    n: int
    nonfinite: int
    missing: int

    @property
    def total(self) -> int:
        """How many trials the cell stands for."""
        return self.n + self.nonfinite + self.missing


@dataclass(frozen=True)
class MapRow:
    """One method, group and level. `cells` run along the map's layers; None where a layer was not damaged so."""

    method: str
    group: str
    level: float
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class LayerMap:
    """One model. `layers` are those that some row damages by themselves, rising; `baseline` is the mean over the
    model's finite baselines, NaN where there is none."""

    model: str
    layers: tuple[int, ...]
    rows: tuple[MapRow, ...]
    baseline: float


def scanned(frame: pd.DataFrame) -> pd.Series[bool]:
    """Which rows of the table belong to a map: those of a model, method and group that is damaged in two single layers
    or more, each by itself."""
    import pandas as pd

    places = _places(frame)
    layers: dict[_Scan, set[int]] = {}
    for scan, layer in filter(None, places):
        layers.setdefault(scan, set()).add(layer)
    belongs = [place is not None and len(layers[place[0]]) > 1 for place in places]
    return pd.Series(belongs, index=frame.index, dtype=bool)


def layer_maps(frame: pd.DataFrame, metric: str) -> list[LayerMap]:
    """A map for each model of the table that was scanned layer by layer, in the table's order.

    Raises LesionError where the table has no such metric.
    """
    check_metric(frame, metric)
    inside = frame[scanned(frame)]
    return [_map(frame, rows, metric, str(model)) for model, rows in inside.groupby("model", sort=False)]


def change_from(value: float, baseline: float, metric: str, *, log: bool) -> float:
    """What a map's colour follows: on a log axis log10(value / baseline), else value - baseline; the value itself where
    the metric is a change already. NaN where that is not defined."""
    if metric.endswith(CHANGE) or is_change(metric):
        return value
    if not log:
        return value - baseline
    return math.log10(value) - math.log10(baseline) if baseline > 0 and value > 0 else math.nan


def _map(frame: pd.DataFrame, rows: pd.DataFrame, metric: str, model: str) -> LayerMap:
    by_row: dict[tuple[str, str, float], dict[int, list[tuple[str, float]]]] = {}
    measured = zip(_places(rows), rows["level"], rows["status"], rows[metric], strict=True)
    for place, level, status, value in measured:
        assert place is not None
        (_, method, group), layer = place
        by_row.setdefault((method, group, float(level)), {}).setdefault(layer, []).append((str(status), float(value)))
    layers = tuple(sorted({layer for cells in by_row.values() for layer in cells}))
    lines = tuple(
        MapRow(*row, tuple(_cell(cells[layer]) if layer in cells else None for layer in layers))
        for row, cells in by_row.items()
    )
    undamaged = frame[(frame["model"] == model) & (frame["method"] == "none")][metric]
    finite = [float(value) for value in undamaged if math.isfinite(value)]
    return LayerMap(model, layers, lines, mean(finite))


def _cell(values: list[tuple[str, float]]) -> Cell:
    measured = [value for status, value in values if status == "ok"]
    finite = [value for value in measured if math.isfinite(value)]
    return Cell(mean(finite), len(finite), len(measured) - len(finite), len(values) - len(measured))


def _places(frame: pd.DataFrame) -> list[tuple[_Scan, int] | None]:
    """For every row what is scanned and the layer; None where it is not damaged in exactly one, or has no level."""
    places: list[tuple[_Scan, int] | None] = [None] * len(frame)
    single = (frame["level"].notna() & frame["layer"].notna()).to_numpy().nonzero()[0]
    columns = (frame[name].iloc[single] for name in ("model", "method", "layer", *_REST))
    labels: dict[tuple[object, ...], str] = {}
    for place, model, method, layer, *rest in zip(single, *columns, strict=True):
        if (known := tuple(rest)) not in labels:
            texts = {name: text if isinstance(text, str) else "" for name, text in zip(_REST, rest, strict=True)}
            labels[known] = str(Where(**texts).label)
        places[place] = ((str(model), str(method), labels[known]), int(layer))
    return places
