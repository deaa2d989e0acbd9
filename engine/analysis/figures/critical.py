"""Critical weights: how far scores agree, and where the weights that they list lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.analysis.figures.style import COLOURS, INK, WIDTH, caption, shades, sheet, shown
from engine.analysis.figures.told import told
from engine.analysis.reports.page.words import Names
from engine.analysis.reports.rankings import Critical, Overlap, Places
from engine.analysis.reports.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_PARTS = 8
_MOST = 6


def draw_overlaps(report: Report, names: Names) -> Figure:
    """The Jaccard index of the k best over k, a line a pair of scores, and what chance comes to."""
    found = _critical(report)
    between = [one for one in found.overlaps if one.between == "scores"]
    models = list(dict.fromkeys(one.model for one in between))[:_MOST]
    figure, panels = sheet(1, len(models), height=3.8, width=WIDTH, title="How far scores agree on the k best weights")
    for panel, model in zip(panels, models, strict=True):
        _overlaps(panel, [one for one in between if one.model == model])
        panel.set_title(shown(names.models.get(model, model), 30))
    panels[0].set_ylabel("Jaccard index")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper")
    caption(figure, told(report, names, None, "n = 1 ranking a score"))
    return figure


def _overlaps(panel: Axes, found: list[Overlap]) -> None:
    pairs = list(dict.fromkeys(one.what for one in found))
    for place, pair in enumerate(pairs):
        of = sorted((one for one in found if one.what == pair), key=lambda one: one.k)
        colour = COLOURS[place % len(COLOURS)]
        panel.plot(
            [one.k for one in of], [one.jaccard for one in of], marker="o", ms=4, color=colour, label=shown(pair)
        )
    chance = {one.k: one.chance for one in found if one.chance == one.chance}
    if chance:
        counts = sorted(chance)
        panel.plot(counts, [chance[k] for k in counts], color="#999999", ls=(0, (4, 3)), lw=1, label="chance")
    panel.set_xscale("log")
    counts = sorted({one.k for one in found})
    panel.set_xticks(counts, [f"{k:,}" for k in counts])
    panel.minorticks_off()
    panel.set_ylim(bottom=0)
    panel.set_xlabel("k", color=INK)


def draw_places(report: Report, names: Names) -> Figure:
    """A bar a score: the shares of its listed weights by layer, and by part."""
    found = _critical(report).places[: 2 * _MOST]
    figure, panels = sheet(1, 2, height=1.9 + 0.42 * len(found), width=WIDTH, title="Where the listed weights lie")
    labels = [_label(one, found, names) for one in found]
    layers = [{share.place: share.share for share in one.layers if share.listed} for one in found]
    _bars(panels[0], labels, layers, "by layer", numbered=True)
    parts = [{share.place: share.share for share in one.parts} for one in found]
    _bars(panels[1], [""] * len(found), parts, "by part", numbered=False)
    counts = ", ".join(dict.fromkeys(f"{one.listed:,}" for one in found))
    caption(figure, told(report, names, None, f"n = {counts} weights"))
    return figure


def _bars(panel: Axes, labels: list[str], shares: list[dict[str, float]], title: str, *, numbered: bool) -> None:
    totals: dict[str, float] = {}
    for one in shares:
        for place, share in one.items():
            totals[place] = totals.get(place, 0.0) + share
    kept = sorted(totals, key=lambda place: -totals[place])[: 2 * _MOST_PARTS if numbered else _MOST_PARTS]
    if numbered:
        kept = sorted(kept, key=lambda place: (not place.isdigit(), int(place) if place.isdigit() else 0))
    colours = _colours(kept) if numbered else list(COLOURS)
    places = range(len(labels))
    left = [0.0] * len(labels)
    for number, place in enumerate(kept):
        wide = [one.get(place, 0.0) for one in shares]
        panel.barh(places, wide, left=left, color=colours[number % len(colours)], height=0.62, label=shown(place, 34))
        left = [a + b for a, b in zip(left, wide, strict=True)]
    if any(total < 0.999 for total in left):
        panel.barh(places, [1 - total for total in left], left=left, color="#e4e4e4", height=0.62, label="others")
    panel.set_yticks(places, [shown(label, 40) for label in labels], color=INK)
    panel.invert_yaxis()
    panel.set_xlim(0, 1)
    panel.set_title(title)
    panel.set_xlabel("share of the listed weights", color=INK)
    panel.grid(visible=False, axis="y")
    panel.legend(loc="upper left", bbox_to_anchor=(0, -0.3), fontsize=7, ncols=2 if numbered else 1)


def _colours(places: list[str]) -> list[object]:
    """Layers from light to dark, what lies outside of layers grey."""
    layers = iter(shades(sum(place.isdigit() for place in places)))
    return [next(layers) if place.isdigit() else "#9a9a9a" for place in places]


def _label(one: Places, found: tuple[Places, ...], names: Names) -> str:
    several = len({other.model for other in found}) > 1
    return f"{names.models.get(one.model, one.model)} {one.score}" if several else one.score


def _critical(report: Report) -> Critical:
    assert report.critical is not None
    return report.critical
