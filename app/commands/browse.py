"""Commands that look at what was run: open, results, export, chart."""

from __future__ import annotations

import io
import math
import shutil
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app import output, safe, words
from app.commands import options
from engine import finding
from engine.errors import LesionError

if TYPE_CHECKING:
    import pandas as pd

    from engine.runs import RunSummary

FAULT = 70

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
    """Add the commands of this page."""
    app.command("open")(open_)
    for command in (results, export, chart):
        app.command()(command)


def open_(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run to open at once.")] = None,
    results: options.Results = options.RESULTS,
    profiles: options.Profiles = options.PROFILES,
) -> int:
    """Open the console, at a run if one is given.

    Example: lesion open last
    """
    from engine import runs

    return console(results, profiles, None if run is None else runs.find(run, results))


def console(results: Path, profiles: Path, run: Path | None = None) -> int:
    """Open the console. Raises LesionError where there is no terminal to draw it on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise LesionError("the console needs a terminal: use a command such as lesion results, or see lesion --help")
    from app.console.app import run as run_console

    shipped = finding.shipped_beside(profiles) if profiles == options.PROFILES else None
    return 0 if run_console(results, profiles, run, shipped) else FAULT


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
    format: Annotated[str, typer.Option("--format", "-f", help="csv, json or parquet.")] = "csv",
    file: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there instead of to stdout.")
    ] = None,
    results: options.Results = options.RESULTS,
) -> int:
    """Write a run's trials as a table, one row a trial.

    Metrics come with their change from the baseline in percent. What is not a finite number is kept.

    Example: lesion export last --format parquet -o trials.parquet
    """
    from engine import analysis, runs

    folder = runs.find(run, results)
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
    from app import charts
    from engine import analysis

    frame = charts.harmless(analysis.table(run))
    if frame.empty:
        raise LesionError(f"{run.name} has no finished trial to draw")
    _check_level(frame, level)
    known = analysis.metric_names([dict.fromkeys(frame.columns)])
    mapped = analysis.scanned(frame)
    kinds = analysis.told_apart(known)
    if kinds and not metrics:
        _print_overview(run, frame[~mapped], kinds, level)
        return
    for metric in map(safe.line, metrics or analysis.headlines(known)):
        if metric in kinds:
            _print_abilities(frame[~mapped], metric, kinds[metric], _paper())
            continue
        _print_maps(frame, metric)
        _print_dose(frame[~mapped], metric)
        _print_scaling(frame[~mapped], metric, level)
        _print_gains(run, frame, metric)


def _print_overview(run: Path, frame: pd.DataFrame, kinds: dict[str, list[str]], level: float | None) -> None:
    """What fails first in the largest model, then how all models compare: few charts, that share two screens."""
    from app import ability_chart
    from engine import analysis
    from engine.catalog.columns import metric_of

    headlines = [metric for metric in analysis.headlines(list(frame.columns)) if metric_of(metric).name not in kinds]
    largest = frame["params"].max()
    drawn = frame[(frame["params"] == largest) | frame["params"].isna()]
    panels = sum(len(ability_chart.ability_panels(drawn, labelled)) for labelled in kinds.values())
    methods = max(frame[frame["level"].notna()]["method"].nunique(), 1) if frame["model"].nunique() > 1 else 0
    paper = _paper(sharing=panels + methods * len(headlines))
    for kind, labelled in kinds.items():
        _print_abilities(drawn, kind, labelled, paper)
    for metric in headlines:
        _print_scaling(frame, metric, level, paper)
    if (models := frame["model"].nunique()) > 1:
        output.say(
            f"abilities of the largest of {models} models; of all: lesion chart {run.name} -m {next(iter(kinds))}"
        )


def _print_abilities(frame: pd.DataFrame, kind: str, labelled: list[str], paper: dict[str, Any]) -> None:
    from app import ability_chart

    for panel, shown in ability_chart.ability_panels(frame, labelled):
        output.show_chart(ability_chart.ability_chart(panel, shown, kind, **paper))


def _check_level(frame: pd.DataFrame, level: float | None) -> None:
    known = sorted({float(one) for one in frame["level"].dropna()})
    if level is not None and not any(math.isclose(level, one, rel_tol=1e-9) for one in known):
        levels = ", ".join(f"{one:g}" for one in known)
        raise LesionError(f"no trial at --level {level:g}; this run has {levels or 'no damaged trial'}")


def _print_maps(frame: pd.DataFrame, metric: str) -> None:
    """What damage to single layers does, where a run tries several: in place of a dose-response chart of each."""
    from app import map_chart
    from engine import analysis

    paper = _paper()
    for layer_map in analysis.layer_maps(frame, metric):
        output.show_chart(map_chart.map_chart(layer_map, metric, width=paper["width"], colour=paper["colour"]))


def _print_dose(frame: pd.DataFrame, metric: str) -> None:
    from app import charts
    from engine import analysis

    for panel in charts.panels(analysis.dose(frame, metric)):
        output.show_chart(charts.dose_chart(panel, metric, **_paper()))


def _print_scaling(frame: pd.DataFrame, metric: str, level: float | None, paper: dict[str, Any] | None = None) -> None:
    """Each method at its level: every group, and the undamaged models, over the size of the model."""
    from app import scaling_chart

    if frame["model"].nunique() < 2:
        return
    for method in scaling_chart.compared_methods(frame):
        at = scaling_chart.chosen_level(frame, metric, method) if level is None else level
        panel = scaling_chart.scaling_panel(frame, metric, method, at)
        output.show_chart(scaling_chart.scaling_chart(panel, metric, **(paper or _paper())))


def _print_gains(run: Path, frame: pd.DataFrame, metric: str) -> None:
    """What the surveys of gains add for a metric of theirs: its law, the gain of every layer, head density."""
    from app import charts, gain_charts
    from engine import analysis
    from engine.analysis import gains
    from engine.catalog.columns import metric_of

    if metric_of(metric).name == "mlp_gain_last" and (law := gain_charts.law_caption(analysis.scaling(frame, metric))):
        output.show_chart("\n".join(charts.wrapped(law, _paper()["width"])))
    if layers := [replace(one, model=safe.line(one.model)) for one in gains.by_layer(run, metric)]:
        output.show_chart(gain_charts.layer_chart(layers, metric, **_paper()))
    if gain_charts.is_density(metric) and frame["model"].nunique() > 1:
        output.show_chart(gain_charts.density_chart(gains.head_density(frame, metric), metric, **_paper()))


def _paper(sharing: int = 1) -> dict[str, Any]:
    """The size of a chart, as large as the terminal within reason, and whether to colour it.

    `sharing` charts that have two screens between them are lower, but none below fifteen lines.
    """
    columns, lines = shutil.get_terminal_size((80, 24))
    width, height = min(max(columns, 80), 140), min(max(lines - 1, 24), 36)
    if sharing > 1:
        height = min(height, max(2 * max(lines, 24) // sharing - 1, 15))
    return {"width": width, "height": height, "colour": options.colourful(sys.stdout)}


def _summary(one: RunSummary) -> dict[str, object]:
    return {
        "run": str(one.path),
        "name": one.name,
        "state": one.state,
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
        "damaged" if one.fault else one.state,
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
