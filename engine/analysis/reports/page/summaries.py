"""Summaries of cells, and what a filter left out of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from engine.analysis.reports.cells import Cell, grouped
from engine.analysis.reports.page.words import (
    NOTHING,
    Names,
    counted,
    filled,
    interval,
    level_words,
    number,
    percent,
    symbol,
    text,
)
from engine.analysis.reports.report import Part, Report
from engine.analysis.statistics.summary import SMALL, Summary
from engine.markdown import aligned, code


def summaries(part: Part, report: Report, names: Names) -> Iterator[str]:
    """A table for each method and group, a row a model and level; of single values one for each method, a column a
    level."""
    for (method, runs), of in grouped(part.cells, lambda cell: (cell.method, cell.runs)).items():
        where = names.run(runs)
        end = f", run {where}" if where else ""
        if all(cell.before.n + cell.before.nonfinite + cell.missing == 1 for cell in of):
            yield f"### {'Undamaged models' if method == 'none' else text(method)}{end}"
            yield from _single(of, names)
            continue
        for group, some in grouped(of, lambda cell: cell.group).items():
            yield f"### {'Undamaged models' if method == 'none' else f'{text(method)} on {names.group(group)}'}{end}"
            yield from _table(some, report, names)
    yield from _notes(part)


def _single(of: Sequence[Cell], names: Names) -> Iterator[str]:
    """Cells of one value each: a row a model and group, a column a level."""
    levels = list(dict.fromkeys(cell.level for cell in of))
    groups = any(cell.group for cell in of)
    heads = ["value" if level is None else level_words(of[0].method, level) for level in levels]
    rows = []
    for (model, group), some in grouped(of, lambda cell: (cell.model, cell.group)).items():
        values = {cell.level: _value(cell) for cell in some}
        place = [names.model(model), *([names.group(group)] if groups else [])]
        rows.append([*place, *(values.get(level, "") or NOTHING for level in levels)])
    yield from aligned(["model", *(["group"] if groups else []), *heads], rows, keys=1 + groups, numbers=len(heads))
    yield "One trial each."


def _value(cell: Cell) -> str:
    """The value of a cell of one trial."""
    if cell.missing:
        return "failed"
    [value] = cell.values
    return number(abs(value) if cell.before.flipped else value) if math.isfinite(value) else str(value)


def _table(of: Sequence[Cell], report: Report, names: Names) -> Iterator[str]:
    counts = {_count(cell) for cell in of}
    several, levels = len(counts) > 1, any(cell.level is not None for cell in of)
    keys = ["model", *([symbol(of[0].method)] if levels else []), *(["n"] if several else [])]
    head = [*keys, "mean", "sd", f"{percent(report.choices.confidence)} interval", "median", "min", "max"]
    rows = []
    for cell in of:
        place = [names.model(cell.model)]
        place += [NOTHING if cell.level is None else f"{cell.level:g}"] if levels else []
        rows.append([*place, *([_count(cell)] if several else []), *_numbers(cell.after)])
    yield from aligned(head, rows, keys=len(keys), numbers=len(head) - 1)
    if not several:
        yield f"n = {counts.pop()} in every row."


def _count(cell: Cell) -> str:
    of = cell.after
    n = f"{of.n}" + (f" + {of.nonfinite} not finite" if of.nonfinite else "")
    return n + (f" + {cell.missing} failed" if cell.missing else "")


def _numbers(of: Summary) -> list[str]:
    shown = map(number, (of.median, of.minimum, of.maximum))
    return [number(of.mean), number(of.sd), interval(of.low, of.high), *shown]


def _notes(part: Part) -> Iterator[str]:
    said = []
    if any(1 < cell.after.n < SMALL and cell.after.minimum < cell.after.maximum for cell in part.cells):
        said.append(f"Intervals of fewer than {SMALL} values are too narrow as a rule.")
    if nonfinite := sum(cell.before.nonfinite for cell in part.cells):
        said.append(f"{counted(nonfinite, 'value')} not finite: counted beside n, in no mean.")
    if missing := sum(cell.missing for cell in part.cells):
        said.append(f"{counted(missing, 'trial')} failed or ran out of memory.")
    if said:
        yield filled(" ".join(said))


def filtered(part: Part, report: Report, names: Names) -> Iterator[str]:
    """What the filter left out, cell by cell, before and after; and what it could not do."""
    if report.choices.filter_method == "none":
        return
    total = sum(cell.before.n for cell in part.cells)
    yield f"### Left out by the filter: {part.removed} of {counted(total, 'value')}"
    if cells := [cell for cell in part.cells if cell.filtering.removed]:
        head = ("model", "damage", "bounds", "left out", "before", "after")
        rows = [
            [
                names.model(cell.model),
                names.damage(cell.method, cell.group, cell.runs, cell.level),
                interval(cell.filtering.low, cell.filtering.high),
                ", ".join(
                    code(cell.trials[place][:8]) + f" seed {cell.seeds[place]}" for place in cell.filtering.removed
                ),
                _spread(cell.before),
                _spread(cell.after),
            ]
            for cell in cells
        ]
        yield from aligned(head, rows, keys=2)
        yield filled(
            "Before and after: n, mean ± standard deviation. Trials are named by the first digits of their keys."
        )
    notes: dict[str, int] = {}
    for cell in part.cells:
        if cell.filtering.note:
            notes[cell.filtering.note] = notes.get(cell.filtering.note, 0) + 1
    for note, count in notes.items():
        yield filled(f"{counted(count, 'cell')}: {text(note, longest=400)}.")


def _spread(of: Summary) -> str:
    return f"{of.n}: {number(of.mean)} ± {number(of.sd)}"
