"""Doses of half the damage, and how damage goes with the dose."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from engine.analysis.reports.doses import Dose
from engine.analysis.reports.page.laws import fit_words
from engine.analysis.reports.page.words import (
    NOTHING,
    Names,
    correlation,
    filled,
    interval,
    number,
    p_value,
    percent,
    sentences,
)
from engine.analysis.reports.report import Part, Report
from engine.markdown import aligned


def doses(part: Part, report: Report, names: Names) -> Iterator[str]:
    """The dose of half the damage of each model and group, and over size; then correlations of dose and metric."""
    if not part.doses:
        return
    fitted = [dose for dose in part.doses if not math.isnan(dose.curve.half)]
    if fitted:
        yield "### Dose of half the damage"
        head = ["model", "damage", "half at", f"{percent(report.choices.confidence)} interval", "slope", "trials"]
        yield from aligned(head, [_row(dose, names) for dose in part.doses], keys=2, numbers=4)
        if any(not dose.curve.bounded for dose in fitted):
            yield filled("† Beyond the doses tried, or hardly bounded by them: a guess, and not in the law over size.")
        yield from _laws(part, report, names)
    else:
        yield from sentences(f"no dose of half the damage: {dose.curve.note}" for dose in part.doses)
    yield from _correlations(part.doses, names)


def _row(dose: Dose, names: Names) -> list[str]:
    of, place = dose.curve, [names.model(dose.model), names.damage(dose.method, dose.group, dose.runs)]
    if math.isnan(of.half):
        return [*place, "no fit", NOTHING, NOTHING, str(of.n)]
    mark = "" if of.bounded else " †"
    return [*place, f"{number(of.half)}{mark}", interval(of.low, of.high), number(of.slope), str(of.n)]


def _laws(part: Part, report: Report, names: Names) -> Iterator[str]:
    found = [one for one in part.dose_laws if one.law.fitted]
    if not found:
        reasons = dict.fromkeys(one.law.note for one in part.dose_laws if one.law.note)
        yield from sentences(f"no law of this dose over size: {reason}" for reason in reasons)
        return
    yield filled("That dose over model size, as a power law:")
    head = ["damage", "exponent", f"{percent(report.choices.confidence)} interval", "p", "R²", "models"]
    rows = [[names.damage(one.method, one.group), *fit_words(one.law), str(len(one.models))] for one in part.dose_laws]
    yield from aligned(head, rows, keys=1, numbers=5)
    yield from sentences(one.law.note for one in part.dose_laws if one.law.fitted)


def _correlations(found: Sequence[Dose], names: Names) -> Iterator[str]:
    known = [dose for dose in found if not math.isnan(dose.spearman.r)]
    if not known:
        return
    yield "### Metric against dose"
    counts = {dose.spearman.n for dose in known}
    several = len(counts) > 1
    rows = [
        [
            names.model(dose.model),
            names.damage(dose.method, dose.group, dose.runs),
            *([str(dose.spearman.n)] if several else []),
            correlation(dose.spearman),
            p_value(dose.spearman.p),
            correlation(dose.pearson),
            p_value(dose.pearson.p),
        ]
        for dose in known
    ]
    head = ["model", "damage", *(["n"] if several else []), "Spearman", "p", "Pearson", "p"]
    yield from aligned(head, rows, keys=2 + several, numbers=len(head) - 2)
    if not several:
        yield f"{counts.pop()} trials in every row."
