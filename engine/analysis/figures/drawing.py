"""Every figure that a report has something for."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from engine.analysis.figures.critical import draw_overlaps, draw_places
from engine.analysis.figures.doses import draw_doses
from engine.analysis.figures.gains import draw_density, draw_gains
from engine.analysis.figures.groups import draw_groups
from engine.analysis.figures.laws import draw_laws, strongest_laws
from engine.analysis.figures.style import LARGEST, drawable, files_of, style
from engine.analysis.reports.page.words import Names
from engine.analysis.reports.report import Part, Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
MISSING = "figures need matplotlib, which is not installed: pip install 'lesion-lab[figures]'"
CURVE = "scaling_law_curve.png"
FOLDER = "figures"


def available() -> bool:
    """Whether figures can be drawn here."""
    try:
        return importlib.util.find_spec("matplotlib") is not None
    except ImportError:
        return False


def figures(report: Report, formats: Sequence[str] = FORMATS) -> dict[str, bytes]:
    """By its name every figure of a report, in a folder of their own, and scaling_law_curve.png, the first of its laws.

    Raises ImportError where matplotlib is missing; see `available`.
    """
    made: dict[str, bytes] = {}
    names = Names.of(report)
    with style():
        for name, draw in _drawings(report, names):
            files = files_of(draw(), formats)
            if name.startswith("law-") and CURVE not in made:
                made[CURVE] = files["png"] if "png" in files else files_of(draw(), ["png"])["png"]
            made |= {f"{FOLDER}/{name}.{form}": content for form, content in files.items()}
    return made


def undrawn(report: Report) -> list[str]:
    """Of which metrics there is no figure, and why, a sentence each."""
    return [
        f"there is no figure of {part.metric}: its values reach beyond {LARGEST:g}, where no axis can be drawn"
        for part in report.parts
        if not _is_drawable(part)
    ]


def _is_drawable(part: Part) -> bool:
    return all(drawable(value) for cell in part.cells for value in cell.kept)


def _drawings(report: Report, names: Names) -> Iterator[tuple[str, Callable[[], Figure]]]:
    place = _file_names([part.metric for part in report.parts])
    for part in filter(_is_drawable, report.parts):
        for kind, draw in _of_part(part, report, names):
            yield f"{kind}-{place[part.metric]}", draw
    if report.critical is not None:
        if any(one.between == "scores" for one in report.critical.overlaps):
            yield "rankings-overlap", partial(draw_overlaps, report, names)
        if report.critical.places:
            yield "rankings-places", partial(draw_places, report, names)


def _file_names(metrics: Sequence[str]) -> dict[str, str]:
    """What stands for each metric in the name of a file."""
    names: dict[str, str] = {}
    for metric in metrics:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", metric).strip(".-")[:60] or "metric"
        names[metric] = name if name not in names.values() else f"{name}-{len(names) + 1}"
    return names


def _of_part(part: Part, report: Report, names: Names) -> Iterator[tuple[str, Callable[[], Figure]]]:
    if strongest_laws(part):
        yield "law", partial(draw_laws, part, report, names)
    if any(dose.doses for dose in part.doses):
        yield "dose", partial(draw_doses, part, report, names)
    if part.comparisons.made:
        yield "groups", partial(draw_groups, part, report, names)
    if part.gains:
        yield "layers", partial(draw_gains, part, report, names)
    if part.density is not None and part.density.survey.models:
        yield "density", partial(draw_density, part, report, names)
