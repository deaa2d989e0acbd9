"""A report as a page of Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from engine.analysis.reports.cells import Cell
from engine.analysis.reports.comparisons import Comparison, Pair
from engine.analysis.reports.laws import Dose, DoseLaw, Law
from engine.analysis.reports.report import Part, Report
from engine.analysis.statistics.comparing import Test
from engine.analysis.statistics.laws import PowerLaw
from engine.analysis.statistics.summary import Summary
from engine.markdown import code, escaped, table

_LONGEST = 40
"""Characters of a group's label; a longer one is told once, and has a number from there on."""


Names = dict[str, str]


def markdown(report: Report) -> str:
    """The whole page, each rule stated where it is used."""
    names = _names(report)
    blocks = [f"# {_title(report)}", _about(report), _legend(names)]
    for part in report.parts:
        blocks += [f"## {escaped(part.metric)}", *_part(part, report, names)]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _names(report: Report) -> Names:
    """What the page calls each label of a group."""
    labels = dict.fromkeys(cell.group for part in report.parts for cell in part.cells)
    long = [label for label in labels if len(label) > _LONGEST]
    return {
        label: f"{label.partition('[')[0]} ({long.index(label) + 1})" if label in long else label for label in labels
    }


def _legend(names: Names) -> str:
    return "\n".join(
        f"- {code(name)} is {code(label, longest=2_000)}" for label, name in names.items() if name != label
    )


def _title(report: Report) -> str:
    return escaped(report.runs[0]) if len(report.runs) == 1 else f"{len(report.runs)} runs"


def _about(report: Report) -> str:
    choices, lines = report.choices, []
    if len(report.runs) > 1:
        lines += ["Runs: " + ", ".join(map(code, report.runs)) + "."]
        lines += ["Seeds of all runs are pooled." if choices.pool else "Each run is a sample of its own."]
    lines.append(f"{report.trials:,} trials, {report.ok:,} of them ended well.")
    if choices.models:
        lines.append("Only " + ", ".join(map(code, choices.models)) + ".")
    if choices.absolute:
        lines.append("Values are absolute; those that were below 0 are counted.")
    rules = {
        "none": "Nothing is filtered.",
        "iqr": f"A trial is left out where it lies more than {choices.iqr_multiplier:g} interquartile ranges beyond "
        "the quartiles of its cell (four values at least).",
        "zscore": f"A trial is left out where it lies more than {choices.zscore_threshold:g} sample deviations from "
        "the mean of its cell.",
    }
    by = "" if choices.filter_metric is None else f" It is judged by {code(choices.filter_metric)}."
    return " ".join([*lines, rules[choices.rule] + by])


def _part(part: Part, report: Report, names: Names) -> Iterator[str]:
    if not part.cells:
        yield "No trial has a value."
        return
    if report.choices.absolute:
        yield f"{part.flipped:,} values changed their sign."
    several = len(report.runs) > 1
    yield _summaries(part.cells, several, names)
    if report.choices.rule != "none":
        yield from _filtered(part, names)
    yield from _laws(part, report, names)
    yield from _doses(part, names)
    yield from _comparisons(part, names)


def _summaries(cells: Sequence[Cell], several: bool, names: Names) -> str:
    words = ["model", "method", "group"] + (["runs"] if several else [])
    numbers = ("level", "n", "mean ± sd", "median", "min", "max", "95 % interval")
    rows = [[*_place(cell, several, names), _level(cell.level), *_summary(cell)] for cell in cells]
    notes = {cell.after.note for cell in cells} - {""}
    note = "Means are over seeds, sd is that of a sample, intervals are bootstrapped (BCa)."
    if notes:
        note += f" Some intervals: {'; '.join(sorted(map(escaped, notes)))}."
    return f"{table([*words, *numbers], rows, numbers=len(numbers))}\n\n{note}"


def _place(cell: Cell, several: bool, names: Names) -> list[str]:
    group = code(names[cell.group]) if cell.group else "–"
    runs = [", ".join(map(code, cell.runs))] if several else []
    return [escaped(cell.model), escaped(cell.method), group, *runs]


def _summary(cell: Cell) -> list[str]:
    of: Summary = cell.after
    n = f"{of.n}" + (f" + {of.nonfinite} not finite" if of.nonfinite else "")
    n += f" ({cell.missing} failed)" if cell.missing else ""
    spread = f"{_number(of.mean)} ± {_number(of.sd)}" if of.n > 1 else _number(of.mean)
    return [n, spread, _number(of.median), _number(of.minimum), _number(of.maximum), _interval(of.low, of.high)]


def _filtered(part: Part, names: Names) -> Iterator[str]:
    cells = [cell for cell in part.cells if cell.filtering.removed]
    yield f"### What the filter left out: {part.removed} of {sum(len(cell.values) for cell in part.cells)} values"
    if cells:
        head = ("model", "method", "group", "level", "bounds", "trials left out", "before", "after")
        rows = [
            [
                *_place(cell, False, names),
                _level(cell.level),
                _interval(cell.filtering.low, cell.filtering.high),
                ", ".join(map(code, cell.removed)),
                _spread(cell.before),
                _spread(cell.after),
            ]
            for cell in cells
        ]
        yield table(head, rows)
    notes: dict[str, int] = {}
    for cell in part.cells:
        if cell.filtering.note:
            notes[cell.filtering.note] = notes.get(cell.filtering.note, 0) + 1
    for note, count in notes.items():
        yield f"{count} cell{'' if count == 1 else 's'}: {escaped(note)}."


def _laws(part: Part, report: Report, names: Names) -> Iterator[str]:
    if not part.laws:
        return
    yield "### Over model size"
    against = report.choices.exponent is not None
    head = ["method", "group", "level", "models", "exponent", "95 % interval", "without one", "R²", "p"]
    head += [f"p of {report.choices.exponent:g}"] if against else []
    rows = [_law(law, against, names) for law in part.laws]
    yield table(head, rows, numbers=len(head) - 2)
    yield "log₁₀ mean = intercept + exponent · log₁₀ parameters, least squares" + (
        ", models weighted by their spread over seeds." if report.choices.weighted else ", a point a model."
    )
    notes = {law.law.note for law in part.laws} - {""}
    yield from (f"Note: {escaped(note)}." for note in sorted(notes))
    fitted = [law for law in part.laws if law.law.fitted]
    if fitted:
        yield _predictions(fitted, names)
        yield _rivals(fitted)


def _law(law: Law, against: bool, names: Names) -> list[str]:
    row = [escaped(law.method), code(names[law.group]) if law.group else "–", _level(law.level)]
    row += [str(len(law.models)), *_fit(law.law)]
    return [*row, "–" if law.against is None else _number(law.against[1])] if against else row


def _fit(law: PowerLaw) -> list[str]:
    if not law.fitted:
        return ["no fit", "–", "–", "–", "–"]
    loo = _interval(*law.without_one)
    return [
        f"{law.exponent:.4f} ± {law.stderr:.4f}",
        _interval(law.low, law.high),
        loo,
        _number(law.r2),
        _number(law.p),
    ]


def _predictions(laws: Sequence[Law], names: Names) -> str:
    head = ["predicted for", *laws[0].predictions()]
    strongest = {(law.runs, law.method, law.group): law for law in laws}  # the last of each, levels rise
    rows = []
    for law in strongest.values():
        name = " ".join(filter(None, [law.method, names[law.group], "" if law.level is None else f"{law.level:g}"]))
        rows.append([escaped(name), *(f"{_number(v)} {_interval(a, b)}" for v, a, b in law.predictions().values())])
    return f"{table(head, rows, numbers=len(head) - 1)}\n\nIn brackets: where one more model lies with 95 %."


def _rivals(laws: Sequence[Law]) -> str:
    best = [law.rivals[0].name for law in laws if law.rivals and not math.isnan(law.rivals[0].aicc)]
    if not best:
        return "AICc tells no form of law from another with so few models."
    counts = ", ".join(f"{name} {best.count(name)}" for name in dict.fromkeys(best))
    return f"Best form by AICc (power, power with offset, exponential), of {len(best)} laws: {counts}."


def _doses(part: Part, names: Names) -> Iterator[str]:
    if not part.doses:
        return
    if all(math.isnan(dose.curve.half) for dose in part.doses):
        reasons = "; ".join(sorted({dose.curve.note for dose in part.doses}))
        yield f"No dose of half the damage: {escaped(reasons)}."
        return
    yield "### Half the damage"
    head = ("model", "method", "group", "dose", "95 % interval", "slope", "trials")
    yield table(head, [_dose(dose, names) for dose in part.doses], numbers=4)
    yield (
        "The dose (distance of the level from the one that does nothing) of half the damage, by a four-parameter "
        f"logistic curve through the {'logarithm of the metric' if part.doses[0].curve.log else 'metric'}."
    )
    notes = {dose.curve.note for dose in part.doses} - {""}
    yield from (f"Note: {escaped(note)}." for note in sorted(notes))
    fitted = [one for one in part.dose_laws if one.law.fitted]
    if fitted:
        rows = [_dose_law(one, names) for one in fitted]
        yield table(("dose over size", "group", "exponent", "95 % interval", "without one", "R²", "p"), rows, numbers=5)


def _dose(dose: Dose, names: Names) -> list[str]:
    of = dose.curve
    found = not math.isnan(of.half)
    values = [_number(of.half), _interval(of.low, of.high), _number(of.slope)] if found else ["no fit", "–", "–"]
    return [escaped(dose.model), escaped(dose.method), code(names[dose.group]), *values, str(of.n)]


def _dose_law(one: DoseLaw, names: Names) -> list[str]:
    return [escaped(one.method), code(names[one.group]), *_fit(one.law)]


def _comparisons(part: Part, names: Names) -> Iterator[str]:
    if not part.comparisons:
        return
    yield "### Compared at the same level"
    head = ("model", "level", "first", "second", "Welch's t", "p", "p, Holm", "Student's t", "p", "Hedges' g")
    rows = [_pair(of, pair, names) for of in part.comparisons for pair in of.pairs]
    yield table(head, rows, numbers=6)
    yield "Two-sided, of signed values; Holm's correction is over all pairs of one level. g has a 95 % interval."
    every = [of for of in part.comparisons if of.welch is not None and of.classical is not None]
    if every:
        rows = [[escaped(of.model), f"{of.level:g}", *_test(of.welch), *_test(of.classical)] for of in every]
        yield table(("all arms of", "level", "Welch's F", "df", "p", "classical F", "df", "p"), rows, numbers=7)


def _pair(of: Comparison, pair: Pair, names: Names) -> list[str]:
    note = pair.welch.note or pair.effect.note
    row = [
        escaped(of.model),
        f"{of.level:g}",
        escaped(_arm(pair.first, names)),
        escaped(_arm(pair.second, names)),
    ]
    if note and math.isnan(pair.welch.statistic):
        return [*row, escaped(note), "–", "–", "–", "–", "–"]
    effect = f"{_number(pair.effect.g)} {_interval(pair.effect.low, pair.effect.high)}"
    return [
        *row,
        _number(pair.welch.statistic),
        _number(pair.welch.p),
        _number(pair.p),
        _number(pair.student.statistic),
        _number(pair.student.p),
        effect,
    ]


def _arm(arm: str, names: Names) -> str:
    """An arm with the page's names of groups in it."""
    for label, name in names.items():
        arm = arm.replace(label, name) if label else arm
    return arm


def _test(test: Test | None) -> list[str]:
    if test is None or math.isnan(test.statistic):
        return [escaped(test.note) if test else "–", "–", "–"]
    return [_number(test.statistic), ", ".join(_number(df) for df in test.df), _number(test.p)]


def _spread(of: Summary) -> str:
    return f"{of.n}: {_number(of.mean)} ± {_number(of.sd)}"


def _level(level: float | None) -> str:
    return "–" if level is None else f"{level:g}"


def _interval(low: float, high: float) -> str:
    return "–" if math.isnan(low) or math.isnan(high) else f"[{_number(low)}, {_number(high)}]"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4g}"
