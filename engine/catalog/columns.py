"""Columns of a table of trials: those that say which trial a row is, and what metrics and their changes are called."""

from typing import NamedTuple

PLACE = ("part", "layer", "layers", "heads", "experts", "select", "score", "options", "before", "then")
"""What the label in `group` is made of: the parameter group; the layer, where it is exactly one; the layers, heads and
experts it was narrowed to; which weights, and by what score; what the method was told beyond its defaults."""

IDENTITY = ("run", "trial", "model", "params", "method", "group", "level", "seed", "status", *PLACE)

CHANGE = "_change_pct"
"""Stands after the name of a metric."""


def is_taken(metric: str) -> bool:
    """Whether a column for a metric of this name would be taken for another one."""
    return metric in IDENTITY or metric.endswith(CHANGE)


class Metric(NamedTuple):
    """The name of a metric in a record or a table, in its parts: the label of its measurement, empty where it has none,
    and what it is."""

    label: str
    name: str


def metric_of(column: str) -> Metric:
    """The parts of `label.name`; a change keeps its ending in the name."""
    label, _, name = column.rpartition(".")
    return Metric(label, name)


def labelled(label: str | None, name: str) -> str:
    """What a metric of a measurement with this label is called."""
    return f"{label}.{name}" if label else name
