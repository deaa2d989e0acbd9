"""The command doses: the levels at which something crossed a value, as a run has found them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from app import output, words
from app.commands import options

if TYPE_CHECKING:
    from engine.analysis.doses import CellDose, Dose


def register(app: typer.Typer) -> None:
    """Add the command of this page."""
    app.command()(doses)


def doses(
    run: options.RunName,
    as_json: options.Json = False,
    results: options.Results = options.RESULTS,
) -> int:
    """List the doses that a run found: where a metric crossed a value.

    For profiles with levels = { find = "perplexity", crosses = "2x", within = 0.02 }. The interval holds the median
    over seeds with the confidence beside it.

    Examples: lesion doses last · lesion doses 3f9c --json
    """
    from dataclasses import asdict

    from engine import runs
    from engine.analysis.doses import doses as doses_of

    found = doses_of(runs.find(run, results))
    if as_json:
        output.show_json([asdict(cell) | {"trials": cell.trials} for cell in found])
        return 0
    headings = ("model", "method", "group", "crosses", "median", "interval", "conf.", "seeds", "trials")
    output.show_table(headings, [_row(cell) for cell in found])
    for cell in found:
        for dose in cell.doses:
            if said := _remark(dose):
                output.say(f"note: {dose.model} {dose.method} {dose.group} seed {dose.seed}: {said}")
    return 0


def _row(cell: CellDose) -> tuple[str, ...]:
    counts = {"never": cell.never, "at once": cell.at_once, "not known": cell.unknown}
    odd = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    seeds = f"{len(cell.doses)}" + (f" ({odd})" if odd else "")
    nothing = cell.median is None and cell.low is None
    interval = "–" if nothing else f"{_level(cell.low)} to {_level(cell.high)}"
    confidence = "–" if nothing else f"{cell.coverage:.0%}"
    crossed = cell.crosses if isinstance(cell.crosses, str) else words.rounded(cell.crosses)
    place = (cell.model, cell.method, cell.group, f"{cell.metric} {crossed}")
    return (*place, _level(cell.median), interval, confidence, seeds, str(cell.trials))


def _level(level: float | None) -> str:
    return "beyond" if level is None else f"{level:.4g}"


def _remark(dose: Dose) -> str:
    """What is to be said of one search that did not go as hoped."""
    if dose.verdict is None:
        return "the search goes on"
    if dose.verdict == "never":
        return f"{dose.metric} does not cross even at the strongest level"
    if dose.verdict == "at once":
        return f"{dose.metric} has crossed at the mildest level already"
    if dose.verdict == "unknown":
        return dose.reason
    if dose.falls:
        pairs = ", ".join(f"{level:g} and {stronger:g}" for level, stronger in dose.falls)
        return f"{dose.metric} turns back between the levels {pairs}: there may be other crossings"
    return ""
