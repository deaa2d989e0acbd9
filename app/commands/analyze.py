"""The command analyze: what trials say, as a careful statistician would put it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import output, safe
from app.commands import chart, options
from engine.errors import LesionError

if TYPE_CHECKING:
    from engine.analysis.reports import Report

Runs = Annotated[list[str], typer.Argument(metavar="RUN…", help="Run directories, parts of their names, or 'last'.")]


def register(app: typer.Typer) -> None:
    """Add the command of this page."""
    app.command()(analyze)


def analyze(
    run: Runs,
    metric: chart.Metrics = None,
    models: Annotated[
        list[str] | None, typer.Option("--models", metavar="MODEL", help="Only this model; may be repeated.")
    ] = None,
    absolute: Annotated[
        bool,
        typer.Option("--absolute/--no-absolute", "--use-absolute", help="Absolute values, as published."),
    ] = False,
    rule: Annotated[
        str, typer.Option("--filter-method", metavar="RULE", help="none, iqr or zscore: leave outliers of a cell out.")
    ] = "none",
    filter_metric: Annotated[
        str | None, typer.Option("--filter-metric", metavar="METRIC", help="Judge by this metric. [each by itself]")
    ] = None,
    multiplier: Annotated[
        float, typer.Option("--filter-iqr-multiplier", metavar="X", help="Interquartile ranges beyond the quartiles.")
    ] = 1.5,
    threshold: Annotated[
        float, typer.Option("--filter-zscore-threshold", metavar="X", help="Sample deviations from the mean.")
    ] = 3.0,
    exponent: Annotated[
        float | None, typer.Option("--exponent", metavar="X", help="Test laws of size against this exponent.")
    ] = None,
    weighted: Annotated[
        bool, typer.Option("--weighted", help="In laws of size, weigh models by their spread over seeds.")
    ] = False,
    pool: Annotated[bool, typer.Option("--pool", help="Take seeds of several runs as one sample.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--output-dir", "-o", metavar="DIR", help="Also write report.md, .json and tables here."),
    ] = None,
    as_json: options.Json = False,
    results: options.Results = options.RESULTS,
) -> int:
    """Summarise, filter, fit and compare the trials of runs.

    For every model, method, group and level: n, mean, deviation, extremes and a bootstrap interval; laws over model
    size; the dose of half the damage; tests between damages of the same level. Values keep their sign.

    Examples: lesion analyze last · lesion analyze 3f9c 81aa -m rank_reduction --filter-method iqr -o report
    """
    from engine import runs
    from engine.analysis.reports import Choices, report
    from engine.analysis.reports.text import markdown

    choices = Choices(
        tuple(metric or ()), tuple(models or ()), absolute, rule, filter_metric, multiplier, threshold,
        exponent, weighted, pool,
    )  # fmt: skip
    made = report([runs.find(one, results) for one in run], choices)
    page = markdown(made)
    if folder is not None:
        _write(made, page, folder)
    if as_json:
        from engine.analysis.reports.files import as_plain

        output.show_json(as_plain(made))
        return 0
    for line in page.splitlines():
        output.show(line)
    return 0


def _write(made: Report, page: str, folder: Path) -> None:
    from engine.analysis.reports.files import write

    try:
        written = write(made, page, folder, lambda value: safe.json_text(value, indent=2))
    except OSError as error:
        raise LesionError(f"cannot write into {folder}: {error.strerror}; give a folder that can be made") from error
    output.say(f"written: {', '.join(str(path) for path in written)}")
