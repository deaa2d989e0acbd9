"""The command analyze: what trials say, as a careful statistician would put it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app import output
from app.commands import chart, options
from engine.errors import LesionError

if TYPE_CHECKING:
    from engine.analysis.reports import Report
    from engine.profile import Analysis

Runs = Annotated[list[str], typer.Argument(metavar="RUN…", help="Run directories, parts of their names, or 'last'.")]
Models = Annotated[
    list[str] | None,
    typer.Option("--models", metavar="MODEL", help="Only this model, or several with commas; may be repeated."),
]
Absolute = Annotated[
    bool | None,
    typer.Option(
        "--absolute/--no-absolute",
        "--use-absolute/--no-use-absolute",
        help="Absolute values, as published; how many change sign is told.",
        show_default=False,
    ),
]
Relative = Annotated[
    bool | None,
    typer.Option("--relative/--raw", help="Changes from the undamaged model, in percent.", show_default=False),
]
Pool = Annotated[
    bool | None, typer.Option("--pool/--no-pool", help="Take seeds of several runs as one sample.", show_default=False)
]
Weighted = Annotated[
    bool | None,
    typer.Option("--weighted/--unweighted", help="In laws, weigh models by their spread.", show_default=False),
]

KEYS = {
    "metrics": "--metric",
    "models": "--models",
    "filter_method": "--filter-method",
    "filter_metric": "--filter-metric",
    "filter_iqr_multiplier": "--filter-iqr-multiplier",
    "filter_zscore_threshold": "--filter-zscore-threshold",
    "confidence": "--confidence",
    "bootstrap_seed": "--bootstrap-seed",
    "exponent": "--exponent",
    "references": "--reference",
}
"""By key of a profile's [analysis] the option that sets it."""


def register(app: typer.Typer) -> None:
    """Add the command of this page."""
    app.command()(analyze)


def analyze(
    run: Runs,
    metric: chart.Metrics = None,
    models: Models = None,
    relative: Relative = None,
    absolute: Absolute = None,
    filter_method: Annotated[
        str | None, typer.Option(metavar="RULE", help="none, iqr or zscore: leave out outliers of a cell.")
    ] = None,
    filter_metric: Annotated[
        str | None, typer.Option(metavar="METRIC", help="Find outliers by this metric. [each by itself]")
    ] = None,
    filter_iqr_multiplier: Annotated[
        float | None, typer.Option(metavar="X", help="Interquartile ranges beyond the quartiles. [1.5]")
    ] = None,
    filter_zscore_threshold: Annotated[
        float | None, typer.Option(metavar="X", help="Sample deviations from the mean. [3]")
    ] = None,
    confidence: Annotated[float | None, typer.Option(metavar="X", help="Of every interval. [0.95]")] = None,
    bootstrap_seed: Annotated[int | None, typer.Option(metavar="N", help="Of the bootstrap's draws. [0]")] = None,
    exponent: Annotated[
        float | None, typer.Option(metavar="X", help="Test laws over size against this exponent.")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,METRIC,SIZE,VALUE", help="A model measured elsewhere, for laws; may be repeated."),
    ] = None,
    weighted: Weighted = None,
    pool: Pool = None,
    folder: Annotated[
        Path | None,
        typer.Option("--output-dir", "-o", metavar="DIR", help="Write report, tables and figures here."),
    ] = None,
    archive: Annotated[
        Path | None, typer.Option("--archive", metavar="FILE.zip", help="Write the same files into an archive.")
    ] = None,
    figures: Annotated[
        bool | None,
        typer.Option(
            "--figures/--no-figures",
            help="With figures as PNG, SVG and PDF. [where they can be drawn]",
            show_default=False,
        ),
    ] = None,
    as_json: options.Json = False,
    results: options.Results = options.RESULTS,
) -> int:
    """Summarise, filter, fit and compare the trials of runs.

    For every model, method, group and level: n, mean, deviation, extremes and a bootstrap interval; laws over model
    size; the dose of half the damage; tests between damages of the same level; what rankings of critical weights agree
    on. Values keep their sign. What no option says is as [analysis] in the run's profile has it.

    Examples: lesion analyze last · lesion analyze 3f9c 81aa -m rank_reduction --filter-method iqr -o report
    """
    from engine import runs
    from engine.analysis.reports import report
    from engine.analysis.reports.report import chosen

    found = [runs.find(one, results) for one in run]
    given = {
        "metrics": metric,
        "models": _split(models),
        "relative": relative,
        "absolute": absolute,
        "filter_method": filter_method,
        "filter_metric": filter_metric,
        "filter_iqr_multiplier": filter_iqr_multiplier,
        "filter_zscore_threshold": filter_zscore_threshold,
        "confidence": confidence,
        "bootstrap_seed": bootstrap_seed,
        "exponent": exponent,
        "references": None if reference is None else list(map(_reference, reference)),
        "weighted": weighted,
        "pool": pool,
    }
    choices = _choices(chosen(found), {key: value for key, value in given.items() if value is not None})
    made = report(found, choices)
    if folder is not None or archive is not None:
        _write(_files(made, figures), folder, archive)
    if as_json:
        from engine.analysis.reports.files import as_plain

        output.show_json(as_plain(made))
        return 0
    from engine.analysis.reports.page import markdown

    for line in markdown(made).splitlines():
        output.show(line)
    return 0


def _choices(usual: Analysis, given: dict[str, Any]) -> Analysis:
    """The usual choices with those that were given. Raises LesionError, with the option, for one that cannot be."""
    from pydantic import ValidationError

    from engine.profile import Analysis
    from engine.profile.faults import explain

    try:
        return Analysis.model_validate(usual.model_dump() | given)
    except ValidationError as error:
        ((key, sentence), *_), _ = explain(error, Analysis)
        head = key.partition(".")[0]
        raise LesionError(f"{KEYS.get(head, head)}: {sentence}") from None


def _split(models: Sequence[str] | None) -> list[str] | None:
    return None if models is None else [name.strip() for text in models for name in text.split(",") if name.strip()]


def _reference(text: str) -> dict[str, Any]:
    """NAME,METRIC,SIZE,VALUE as a table of the profile. Raises LesionError where it is not of that form."""
    parts = [part.strip() for part in text.split(",")]
    try:
        name, metric, size, value = parts
        return {"name": name, "metric": metric, "params": float(size), "value": float(value)}
    except ValueError:
        sentence = f"'{text}' is not of the form NAME,METRIC,SIZE,VALUE, as pythia-1.4b,mlp_gain_last,1.4e9,3.604"
        raise LesionError(f"--reference: {sentence}") from None


def _files(made: Report, figures: bool | None) -> dict[str, bytes]:
    """Everything that is written of a report. Raises LesionError where figures are asked for and cannot be drawn."""
    from engine.analysis import figures as drawn
    from engine.analysis.reports.files import contents

    content = contents(made)
    if figures is False:
        return content
    if not drawn.available():
        if figures:
            raise LesionError(drawn.MISSING)
        output.say(f"note: {drawn.MISSING}")
        return content
    for reason in drawn.undrawn(made):
        output.say(f"note: {reason}")
    return content | drawn.figures(made)


def _write(content: dict[str, bytes], folder: Path | None, archive: Path | None) -> None:
    from engine import files
    from engine.analysis.reports.files import archived, write

    try:
        if folder is not None:
            write(content, folder)
            output.say(f"{len(content)} files written to {folder}")
        if archive is not None:
            files.replace(archive, archived(content, archive.stem))
            output.say(f"{len(content)} files written to {archive}")
    except OSError as error:
        place = error.filename or folder or archive
        raise LesionError(f"cannot write {place}: {error.strerror}; give a place that can be written") from error
