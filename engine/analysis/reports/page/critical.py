"""Critical weights: agreement of rankings, where the listed weights lie, and score against damage."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from engine.analysis.reports.cells import grouped
from engine.analysis.reports.page.words import NOTHING, Names, correlation, counted, filled, number, p_value, text
from engine.analysis.reports.rankings import Critical, Places, Share
from engine.analysis.reports.report import Report
from engine.markdown import aligned

_MOST = 12
"""Rows of a table of places; of more layers those without a listed weight are counted."""


def critical(report: Report, names: Names) -> Iterator[str]:
    """All that rankings say."""
    found = report.critical
    if found is None:
        return
    yield "## Critical weights"
    yield from _overlaps(found, names)
    for places in found.places:
        yield from _places(places, names)
    yield from _predicted(found, names)


def _overlaps(found: Critical, names: Names) -> Iterator[str]:
    if not found.overlaps:
        return
    yield "### How far rankings agree"
    counts = sorted({one.k for one in found.overlaps})
    models = len({one.model for one in found.overlaps}) > 1
    head = [*(["model"] if models else []), "between", "of", *(f"k = {k:,}" for k in counts)]
    rows = []
    for (model, between, what), of in grouped(found.overlaps, lambda one: (one.model, one.between, one.what)).items():
        by_k = {one.k: one.jaccard for one in of}
        cells = [number(by_k[k]) if k in by_k else NOTHING for k in counts]
        rows.append([*([names.model(model)] if models else []), between, text(what), *cells])
    chance = {one.k: one.chance for one in found.overlaps if not math.isnan(one.chance)}
    if chance and not models:
        rows.append(["chance", "k weights at random", *(number(chance.get(k, math.nan), 2) for k in counts)])
    yield from aligned(head, rows, keys=2 + models, numbers=len(counts))
    yield filled("Jaccard index of the k best, |A ∩ B| / |A ∪ B|; of samples and seeds the mean over all pairs.")


def _places(places: Places, names: Names) -> Iterator[str]:
    yield f"### Where they lie: {text(places.score)} in {names.model(places.model)}"
    layers = places.layers
    if len(layers) > _MOST:
        layers = tuple(one for one in layers if one.listed)
        empty = len(places.layers) - len(layers)
        if empty:
            yield filled(f"No listed weight lies in {counted(empty, 'other layer')}.")
    yield from aligned(["layer", "listed", "share", "of all weights", "times"], _rows(layers), keys=1, numbers=4)
    parts = places.parts[:_MOST]
    yield from aligned(["part", "listed", "share", "of all weights", "times"], _rows(parts), keys=1, numbers=4)
    rest = places.parts[_MOST:]
    if rest:
        yield filled(f"{counted(sum(one.listed for one in rest), 'weight')} in {counted(len(rest), 'other part')}.")


def _rows(shares: Sequence[Share]) -> list[list[str]]:
    return [
        [
            text(one.place),
            f"{one.listed:,}",
            f"{one.share:.1%}",
            NOTHING if math.isnan(one.of_all) else f"{one.of_all:.2%}",
            number(one.share / one.of_all, 2) if one.of_all > 0 else NOTHING,
        ]
        for one in shares
    ]


def _predicted(found: Critical, names: Names) -> Iterator[str]:
    if not found.predicted:
        return
    yield "### Does the score tell the damage?"
    rows = [
        [
            names.model(one.model),
            text(one.score),
            text(one.metric),
            str(one.spearman.n),
            correlation(one.spearman),
            p_value(one.spearman.p),
            correlation(one.pearson),
        ]
        for one in found.predicted
    ]
    yield from aligned(["model", "score", "metric", "n", "Spearman", "p", "Pearson"], rows, keys=3, numbers=4)
