"""The line below a figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.analysis.reports.cells import Cell
from engine.analysis.reports.page.words import Names
from engine.analysis.reports.report import Part, Report

_MOST_GROUPS = 4


def told(report: Report, names: Names, part: Part | None, n: str = "", *more: str, groups: Iterable[str] = ()) -> str:
    """Which runs, the filter, n, what else a reader has to know, and what the numbered names of `groups` stand for."""
    runs = f"run{'' if len(report.runs) == 1 else 's'} " + ", ".join(
        f"{names.runs[run]} {run}" if run in names.runs else run for run in report.runs
    )
    choices = report.choices
    if choices.filter_method == "none":
        kept = "no filter"
    else:
        by = f" by {choices.filter_metric}" if choices.filter_metric else ""
        removed = f", {part.removed} values left out" if part is not None else ""
        kept = f"filter {choices.filter_method} {choices.filter_limit:g}{by}{removed}"
    signs = f"absolute values, {part.flipped} changed sign" if choices.absolute and part is not None else ""
    return " · ".join(
        filter(None, [runs, kept, signs, n or (counts(part.cells) if part else ""), *more, *_groups(names, groups)])
    )


def _groups(names: Names, groups: Iterable[str]) -> list[str]:
    """What the numbered names of these groups stand for, as far as there is room."""
    short = [(names.groups[label], label) for label in dict.fromkeys(groups) if names.groups.get(label, label) != label]
    return [f"{name}: {label}" for name, label in short[:_MOST_GROUPS]]


def counts(cells: Sequence[Cell]) -> str:
    """`n = 2 a point`, or the smallest and the largest n."""
    found = sorted({cell.after.n for cell in cells})
    if not found:
        return "n = 0"
    return f"n = {found[0]} a point" if len(found) == 1 else f"n = {found[0]} to {found[-1]} a point"
