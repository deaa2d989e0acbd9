"""Laws over model size, and a survey's verdict on dense heads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from engine.analysis.gains import DENSE
from engine.analysis.reports.laws import PREDICTED, Law
from engine.analysis.reports.levels import level_info
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
    text,
)
from engine.analysis.reports.report import Part, Report
from engine.analysis.statistics.laws import PowerLaw
from engine.markdown import aligned


def laws(part: Part, report: Report, names: Names) -> Iterator[str]:
    """The exponents of all laws; of the undamaged models and each group's strongest level the formula, what it predicts
    and how its rivals do."""
    if not part.laws:
        return
    yield "### Over model size"
    exponent = part.laws[0].exponent
    models = {len(law.points) for law in part.laws}
    head = ["damage", "exponent", f"{percent(report.choices.confidence)} interval", "p", "R²"]
    head += ["models"] if len(models) > 1 else []
    head += ["without one"] + ([f"p of {exponent:g}", "within se"] if exponent is not None else [])
    rows = [_row(law, names, several=len(models) > 1) for law in part.laws]
    yield from aligned(head, rows, keys=1, numbers=len(head) - 1)
    if len(models) == 1:
        yield f"{models.pop()} models in every law."
    yield from _notes(part.laws, names)
    chosen = strongest(part.laws)
    if chosen:
        yield filled("; ".join(_formula(law, names) for law in chosen) + ".")
        yield from _predictions(chosen, names, report)
        yield from _rivals(chosen, names)


def fit_words(law: PowerLaw) -> list[str]:
    """Exponent with its standard error, its interval, p and R²."""
    if not law.fitted:
        return ["no fit", NOTHING, NOTHING, NOTHING]
    return [
        f"{number(law.exponent)} ± {number(law.stderr, 2)}",
        interval(law.low, law.high),
        p_value(law.p),
        number(law.r2),
    ]


def _row(law: Law, names: Names, *, several: bool) -> list[str]:
    row = [names.damage(law.method, law.group, _runs(law, names), law.level), *fit_words(law.law)]
    row += [str(len(law.points))] if several else []
    row += [interval(*law.law.without_one)]
    if law.exponent is None or law.against is None:
        return row
    within = {True: "yes", False: "no", None: NOTHING}[law.within_one_error]
    return [*row, p_value(law.against[1]), within]


def _runs(law: Law, names: Names) -> tuple[str, ...]:
    """The runs of a law, where not all laws have the same."""
    return law.runs if len(law.runs) < len(names.runs) else ()


def strongest(found: Sequence[Law]) -> list[Law]:
    """The law of the undamaged models, and of each method and group that of the level with most models that is furthest
    from harmless."""
    best: dict[tuple[object, ...], Law] = {}
    for law in found:
        key = (law.runs, law.method, law.group)
        if law.law.fitted and (key not in best or _strength(law) >= _strength(best[key])):
            best[key] = law
    return list(best.values())


def _strength(law: Law) -> tuple[int, float]:
    known = level_info(law.method)
    sign = -1 if known is not None and known.descending else 1
    return len(law.points), sign * (law.level or 0.0)


def _formula(law: Law, names: Names) -> str:
    amplitude = number(10.0**law.law.intercept if law.law.intercept < 300 else math.inf)
    name = names.damage(law.method, law.group, _runs(law, names), law.level)
    return f"{name}: {amplitude} · N^{number(law.law.exponent)}"


def _notes(found: Sequence[Law], names: Names) -> Iterator[str]:
    yield from sentences(law.law.note for law in found)
    left = {(law.level, law.group): law.left_out for law in found if law.left_out}
    if left:
        models = ", ".join(
            names.model(model) for model in dict.fromkeys(name for some in left.values() for name in some)
        )
        yield filled(f"Left out of some laws, as no mean above 0 is known of them there: {models}.")
    added = dict.fromkeys(
        f"{text(point.model)} ({number(point.params)} parameters: {number(point.mean, 4)})"
        for law in found
        for point in law.points
        if point.reference
    )
    if added:
        yield filled(f"Measured elsewhere, and added as reference points: {', '.join(added)}.")


def _predictions(found: Sequence[Law], names: Names, report: Report) -> Iterator[str]:
    head, rows = ["size", "beyond"], [[name, _beyond(size, found)] for name, size in PREDICTED.items()]
    for law in found:
        head.append(names.damage(law.method, law.group, _runs(law, names), law.level))
        for row, (value, low, high) in zip(rows, law.predictions().values(), strict=True):
            row.append(f"{number(value, 2)} {interval(low, high, 2)}")
    yield filled(
        f"What the laws predict for other sizes, and between which values one more model lies with "
        f"{percent(report.choices.confidence)}, if the law goes on as it is so far beyond the largest model measured:"
    )
    yield from aligned(head, rows, keys=2, numbers=len(head) - 1)


def _beyond(size: float, found: Sequence[Law]) -> str:
    largest = max(law.largest for law in found)
    return f"×{number(size / largest)}" if size > largest else "no"


def _rivals(found: Sequence[Law], names: Names) -> Iterator[str]:
    forms = ("power", "power with offset", "exponential")
    rows = []
    for law in found:
        known = {rival.name: rival for rival in law.rivals}
        best = min((rival.aicc for rival in law.rivals if not math.isnan(rival.aicc)), default=math.nan)
        cells = [number(known[form].aicc - best) if known[form].parameters else NOTHING for form in forms]
        rows.append([names.damage(law.method, law.group, _runs(law, names), law.level), *cells])
    if any(cell != NOTHING for row in rows for cell in row[1:]):
        yield filled("Forms of law by AICc, above the best, which has 0 (a dash: too few models to tell):")
        yield from aligned(["damage", "a·N^b", "c + a·N^b", "a·e^(b·N)"], rows, keys=1, numbers=3)


def density(part: Part, names: Names) -> Iterator[str]:
    """The survey's verdict on whether dense heads dampen."""
    if part.density is None:
        return
    of = part.density.survey
    yield "### Gain against head density"
    rows = [
        [names.model(model), number(rho), number(gain, 4), "dampening" if gain < 1 else "expansion"]
        for model, rho, gain in zip(of.models, of.rho, of.gain, strict=True)
    ]
    if rows:
        yield from aligned(("model", "rho", "gain", "reads as"), rows, keys=1, numbers=3)
    both = (part.density.pearson, part.density.spearman)
    told = [
        f"{one.name}'s coefficient of rho and gain {correlation(one)}, p {p_value(one.p)}, n {one.n}" for one in both
    ]
    if note := both[0].note:
        told = [f"No correlation of rho and gain: {note}"] if math.isnan(both[0].r) else [*told, note]
    yield filled(". ".join(told) + ".")
    yield filled(
        f"Dampening among rho ≥ {DENSE:g}: {_rate(of.dampening)}; expansion among the others: {_rate(of.expansion)}. "
        f'The survey\'s verdict on "dense heads dampen", by its own rule: {of.verdict}.'
        + (f" Without a finite gain: {of.dropped}." if of.dropped else "")
    )


def _rate(share: float | None) -> str:
    return "none there" if share is None else f"{share:.0%}"
