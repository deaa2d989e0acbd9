"""The command chart: what a run's charts look like on a terminal."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import output, safe
from app.commands import options
from engine.errors import LesionError

if TYPE_CHECKING:
    from app.charts.chart import Choice, Paper, Part
    from app.charts.table import Table

Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        "-m",
        metavar="METRIC",
        help="A metric or its change; may be repeated. [perplexity, else what the measurements name first]",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command of this page."""
    app.command()(chart)


def chart(
    run: options.RunName,
    metric: Metrics = None,
    level: Annotated[
        float | None, typer.Option("--level", help="Compare sizes at this level. [strongest all models survive]")
    ] = None,
    results: options.Results = options.RESULTS,
) -> int:
    """Print dose-response, scaling and layer charts of a run.

    Layers damaged one by one are drawn as a map, a column a layer. With several models each method is compared over
    their sizes, with the exponent of a power law fitted to each group; gains are also drawn layer by layer, and
    residual gains against head density. Where labels tell tasks apart, a chart of the largest model has a line a label,
    in place of the dose-response of perplexity; --metric accuracy draws it for every model.

    Examples: lesion chart last · lesion chart 3f9c --metric nll --metric perplexity_change_pct
    """
    from engine import runs

    print_charts(runs.find(run, results), metric, level)
    return 0


def print_charts(run: Path, metrics: list[str] | None = None, level: float | None = None) -> None:
    """Charts of the metrics, perplexity by default, on stdout. Raises LesionError for a metric or level it lacks."""
    from app.charts.chart import Choice
    from app.charts.table import Table
    from engine import analysis

    table = Table.of(analysis.table(run), run, maps_apart=True)
    if table.frame.empty:
        raise LesionError(f"{run.name} has no finished trial to draw")
    _check_level(table, level)
    choice = Choice(level=level)
    if table.told_apart and not metrics:
        _print_overview(table, run.name, choice)
        return
    for metric in map(safe.line, metrics or analysis.headlines(table.metrics)):
        for part in _parts(table, metric, choice):
            output.show_chart(part().text(_paper()))


def _parts(table: Table, metric: str, choice: Choice) -> Iterator[Part]:
    """Every kind of chart of a metric; of what labels tell apart, the kinds that draw several of them."""
    from app.charts.kinds import KINDS

    several, models = metric in table.told_apart, table.damages["model"].nunique()
    for kind in KINDS:
        if kind.several == several and (models > 1 or not kind.compares):
            yield from kind.parts(table, metric, choice)


def _print_overview(table: Table, name: str, choice: Choice) -> None:
    """What fails first in the largest model, then how all models compare: few charts, that share two screens."""
    from app.charts.kinds import ABILITIES, SCALINGS
    from engine import analysis
    from engine.catalog.columns import metric_of

    apart = table.told_apart
    headlines = [metric for metric in analysis.headlines(table.metrics) if metric_of(metric).name not in apart]
    largest, models = table.of_largest(), table.damages["model"].nunique()
    parts = [part for metric in apart for part in ABILITIES.parts(largest, metric, choice)]
    if models > 1:
        parts += [part for metric in headlines for part in SCALINGS.parts(table, metric, choice)]
    paper = _paper(sharing=len(parts))
    for part in parts:
        output.show_chart(part().text(paper))
    if models > 1:
        output.say(f"abilities of the largest of {models} models; of all: lesion chart {name} -m {next(iter(apart))}")


def _check_level(table: Table, level: float | None) -> None:
    known = sorted({float(one) for one in table.frame["level"].dropna()})
    if level is not None and not any(math.isclose(level, one, rel_tol=1e-9) for one in known):
        levels = ", ".join(f"{one:g}" for one in known)
        raise LesionError(f"no trial at --level {level:g}; this run has {levels or 'no damaged trial'}")


def _paper(sharing: int = 1) -> Paper:
    """The size of a chart, as large as the terminal within reason, and whether to colour it.

    `sharing` charts that have two screens between them are lower, but none below fifteen lines.
    """
    from app.charts.chart import Paper

    columns, lines = shutil.get_terminal_size((80, 24))
    width, height = min(max(columns, 80), 140), min(max(lines - 1, 24), 36)
    if sharing > 1:
        height = min(height, max(2 * max(lines, 24) // sharing - 1, 15))
    return Paper(width, height, options.colourful(sys.stdout))
