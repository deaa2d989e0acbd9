"""Commands that look at what was run: open, results, export."""

from __future__ import annotations

import io
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import output, words
from app.commands import options
from engine import finding
from engine.errors import LesionError, suggestion

if TYPE_CHECKING:
    from engine.runs import RunSummary

FAULT = 70


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    app.command("open")(open_)
    for command in (results, export):
        app.command()(command)


def open_(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run to open at once.")] = None,
    results: options.Results = options.RESULTS,
    profiles: options.Profiles = options.PROFILES,
    ascii_only: options.Ascii = False,
) -> int:
    """Open the console, at a run if one is given.

    Example: lesion open last
    """
    from engine import runs

    return console(results, profiles, None if run is None else runs.find(run, results), ascii_only=ascii_only)


def console(results: Path, profiles: Path, run: Path | None = None, *, ascii_only: bool = False) -> int:
    """Open the console. Raises LesionError where there is no terminal to draw it on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise LesionError("the console needs a terminal: use a command such as lesion results, or see lesion --help")
    from app.console.app import run as run_console

    shipped = finding.shipped_beside(profiles) if profiles == options.PROFILES else None
    return 0 if run_console(results, profiles, run, shipped, ascii_only=ascii_only) else FAULT


def results(
    as_json: options.Json = False,
    results: options.Results = options.RESULTS,
) -> int:
    """List the runs, newest first.

    Example: lesion results --json
    """
    from engine import runs

    summaries = runs.summaries(results)
    if as_json:
        output.show_json([_summary(one) for one in summaries])
    elif summaries:
        headings = ("run", "state", "trials", "failed", "oom", "started", "time", "models", "methods")
        output.show_table(headings, [_summary_row(one) for one in summaries])
    else:
        output.say(f"no runs in {results} yet; make one with: lesion run demo")
    for one in summaries:
        if one.fault:
            output.say(f"warning: run {one.path.name}: {one.fault}")
    return 0


def export(
    run: options.RunName,
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="csv, json or parquet; or as another program writes it: degradation-json, survey-json, "
            "perturbation-csv, and as a folder ranked-csv, attack-study.",
        ),
    ] = "csv",
    file: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write there, a file or folder, instead of to stdout."),
    ] = None,
    results: options.Results = options.RESULTS,
) -> int:
    """Write a run's trials as a table, one row a trial.

    Metrics come with their change from the baseline in percent. What is not a finite number is kept. What lesion import
    reads, export writes: give one of its formats.

    Example: lesion export last --format parquet -o trials.parquet
    """
    from engine import analysis, runs
    from engine.analysis.shapes import SHAPES

    folder = runs.find(run, results)
    if format in SHAPES:
        return _export_shaped(folder, format, file)
    if format not in analysis.FORMATS:
        raise LesionError(f"unknown format '{format}'{suggestion(format, [*analysis.FORMATS, *SHAPES])}")
    if file is None and format == "parquet" and sys.stdout.isatty():
        raise LesionError("parquet is binary and stdout is a terminal: give a file with -o, or redirect stdout")
    if file is None:
        content = io.BytesIO()
        analysis.export(folder, format, content)
        output.show_bytes(content.getvalue())
    else:
        count = analysis.export(folder, format, file)
        output.say(f"{count} trials written to {file}")
    return 0


def _export_shaped(run: Path, name: str, file: Path | None) -> int:
    """In the shape of another program: one file, or a folder of them."""
    from engine.analysis import shapes
    from engine.analysis.files import write

    if file is None and name in shapes.FOLDERS:
        raise LesionError(f"{name} is a folder of files: give a new one with -o")
    made = shapes.write_shaped(run, name, file) if name in shapes.FOLDERS and file else shapes.shaped(run, name)
    if name not in shapes.FOLDERS:
        if len(made.files) > 1:
            raise LesionError(
                f"{run.name} came from {len(made.files)} files of {name}: they lie in its artifacts/source"
            )
        [content] = made.files.values()
        output.show_bytes(content) if file is None else write(file, [content])
    for note in made.notes:
        output.say(f"note: {note}")
    if file is not None:
        output.say(f"{made.count} entries written to {file}")
    return 0


def _summary(one: RunSummary) -> dict[str, object]:
    return {
        "run": str(one.path),
        "name": one.name,
        "state": one.state,
        "imported": one.imported,
        "trials": one.total,
        "done": one.done,
        "ok": one.ok,
        "failed": one.failed,
        "oom": one.oom,
        "started": one.started,
        "seconds": round(one.seconds, 3),
        "models": one.models,
        "methods": one.methods,
        "fault": one.fault,
    }


def _summary_row(one: RunSummary) -> tuple[str, ...]:
    from engine.analysis.names import short_names

    started = "-" if one.started is None else f"{datetime.fromtimestamp(one.started):%Y-%m-%d %H:%M}"
    return (
        one.path.name,
        one.state_word,
        f"{one.done}/{one.total}",
        str(one.failed),
        str(one.oom),
        started,
        words.duration(one.seconds),
        _short(list(short_names(one.models).values())),
        _short(list(one.methods)),
    )


def _short(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" +{len(names) - most}" if len(names) > most else "")
