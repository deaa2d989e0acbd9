"""Columns of a table of trials: those that say which trial a row is, and what the change of a metric is called."""

IDENTITY = ("run", "trial", "model", "params", "method", "group", "level", "seed", "status")

CHANGE = "_change_pct"
"""Stands after the name of a metric."""


def is_taken(metric: str) -> bool:
    """Whether a column for a metric of this name would be taken for another one."""
    return metric in IDENTITY or metric.endswith(CHANGE)
