"""The page from its title to its rules."""

from __future__ import annotations

from collections.abc import Iterator

from engine import catalog
from engine.analysis.reports.cells import info
from engine.analysis.reports.page.compared import compared, related
from engine.analysis.reports.page.critical import critical
from engine.analysis.reports.page.doses import doses
from engine.analysis.reports.page.laws import density, laws
from engine.analysis.reports.page.rules import rules
from engine.analysis.reports.page.summaries import filtered, summaries
from engine.analysis.reports.page.words import Names, counted, filled, text
from engine.analysis.reports.report import Part, Report
from engine.catalog.columns import CHANGE
from engine.markdown import code


def markdown(report: Report) -> str:
    """The whole page: what it is of, each metric, what holds for several, and the rules by which all of it was made."""
    names = Names.of(report)
    blocks = [f"# {_title(report)}", _about(report), names.legend()]
    for part in report.parts:
        blocks += [f"## {text(part.metric)}", _meaning(part.metric), *_part(part, report, names)]
    blocks += [*related(report, names), *critical(report, names), "## Rules", *rules(report)]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _title(report: Report) -> str:
    return f"Report on {text(report.runs[0]) if len(report.runs) == 1 else f'{len(report.runs)} runs'}"


def _about(report: Report) -> str:
    choices = report.choices
    models = {cell.model for part in report.parts for cell in part.cells}
    ended = "all of them ended well" if report.ok == report.trials else f"{report.ok:,} of them ended well"
    lines = [f"{counted(report.trials, 'trial')} of {counted(len(models), 'model')}; {ended}."]
    if len(report.runs) > 1:
        lines.append("Seeds of all runs are pooled." if choices.pool else "Each run is a sample of its own.")
    if report.repeats:
        lines.append(f"{counted(report.repeats, 'trial')} of the same key in another run count once.")
    if choices.models:
        lines.append("Only " + ", ".join(map(code, choices.models)) + ".")
    if choices.absolute:
        flipped = sum(part.flipped for part in report.parts)
        lines.append(f"Values are absolute: {counted(flipped, 'value')} below 0 changed their sign.")
    else:
        lines.append("Values keep their sign.")
    return filled(" ".join([*lines, _filter(report)]))


def _filter(report: Report) -> str:
    choices = report.choices
    if choices.filter_method == "none":
        return "Nothing is filtered."
    by = f" by {code(choices.filter_metric)}" if choices.filter_metric else ""
    removed = sum(part.removed for part in report.parts)
    return f"The filter {choices.filter_method} ({choices.filter_limit:g}){by} left out {counted(removed, 'value')}."


def _meaning(metric: str) -> str:
    plain = metric.removesuffix(CHANGE)
    known = info(plain)
    said = catalog.foreign(metric) or (known.summary if known else "")
    if metric.endswith(CHANGE):
        of = f" ({text(said, longest=300)})" if said else ""
        return filled(f"Change of {text(plain)}{of} from the undamaged model, in percent: above 0 it rose.")
    unit = f", in {known.unit}" if known and known.unit not in ("", "share", "×", "%") else ""
    unit = ", in percent" if known and known.unit == "%" else unit
    better = f"; {known.better} is better" if known and known.better else ""
    return filled(f"{text(said[:1].upper() + said[1:], longest=300)}{unit}{better}.") if said else ""


def _part(part: Part, report: Report, names: Names) -> Iterator[str]:
    if not part.cells:
        yield "No trial has a value."
        return
    yield from summaries(part, report, names)
    yield from filtered(part, report, names)
    yield from laws(part, report, names)
    yield from density(part, names)
    yield from doses(part, report, names)
    yield from compared(part, report, names)
