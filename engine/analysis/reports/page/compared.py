"""Comparisons at one level, and metrics together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from engine.analysis.reports.cells import grouped
from engine.analysis.reports.comparisons import Arm, Comparison, Pair
from engine.analysis.reports.page.words import (
    NOTHING,
    Names,
    correlation,
    counted,
    filled,
    interval,
    level_words,
    number,
    p_value,
    sentences,
    text,
    told_apart,
)
from engine.analysis.reports.report import Part, Report
from engine.analysis.statistics.comparing import Test
from engine.markdown import aligned

_TESTS = ("Welch's t", "p", "p, Holm", "Hedges' g", "Student's t", "p")


def compared(part: Part, report: Report, names: Names) -> Iterator[str]:
    """Every two damages of a model at one level, and all of them at once."""
    found = part.comparisons.made
    if not found:
        return
    yield "### Compared at the same level"
    pairs = [(of, pair) for of in found for pair in of.pairs]
    titles = grouped(pairs, lambda each: _title(*each, names))
    if len(titles) > len(found):
        head = ["model", "level", "pair", *_TESTS]
        rows = [[*_place(of, names), _title(of, pair, names), *_pair(pair)] for of, pair in pairs]
        yield from aligned(head, rows, keys=3, numbers=6)
    for title, some in titles.items() if len(titles) <= len(found) else ():
        yield f"{title}:"
        rows = [[*_place(of, names), *_pair(pair)] for of, pair in some]
        yield from aligned(["model", "level", *_TESTS], rows, keys=2, numbers=6)
    several = [of for of in found if of.welch is not None and of.classical is not None]
    if several:
        head = ["model", "level", "arms", "Welch's F", "df", "p", "one-way F", "df", "p"]
        yield from aligned(head, [_all(of, names) for of in several], keys=3, numbers=6)
    yield from _notes(part)


def related(report: Report, names: Names) -> Iterator[str]:
    """Every two of the metrics over the damaged trials of a model."""
    if not report.together:
        return
    yield "## Metrics together"
    rows = [
        [
            " ".join(filter(None, [names.model(of.model), names.run(of.runs)])),
            f"{text(of.first)}, {text(of.second)}",
            str(of.pearson.n),
            correlation(of.spearman),
            p_value(of.spearman.p),
            correlation(of.pearson),
            p_value(of.pearson.p),
        ]
        for of in report.together
    ]
    yield from aligned(["model", "metrics", "n", "Spearman", "p", "Pearson", "p"], rows, keys=2, numbers=5)
    yield from sentences(of.pearson.note for of in report.together if math.isnan(of.pearson.r))


def _title(of: Comparison, pair: Pair, names: Names) -> str:
    named = _names(of.arms, names)
    return f"{named[pair.first]} − {named[pair.second]}"


def _place(of: Comparison, names: Names) -> list[str]:
    return [names.model(of.model), level_words(of.arms[0].method, of.level)]


def _pair(pair: Pair) -> list[str]:
    if math.isnan(pair.welch.statistic):
        return [NOTHING] * 6
    effect = pair.effect
    return [
        number(pair.welch.statistic),
        p_value(pair.welch.p),
        p_value(pair.holm),
        f"{number(effect.g)} {interval(effect.low, effect.high)}" if not math.isnan(effect.g) else NOTHING,
        number(pair.student.statistic),
        p_value(pair.student.p),
    ]


def _all(of: Comparison, names: Names) -> list[str]:
    return [*_place(of, names), str(len(of.arms)), *_test(of.welch), *_test(of.classical)]


def _test(test: Test | None) -> list[str]:
    if test is None or math.isnan(test.statistic):
        return [NOTHING, NOTHING, NOTHING]
    return [number(test.statistic), ", ".join(number(df) for df in test.df), p_value(test.p)]


def _names(arms: Sequence[Arm], names: Names) -> list[str]:
    return told_apart([(text(arm.method), names.group(arm.group), names.run(arm.runs)) for arm in arms])


def _notes(part: Part) -> Iterator[str]:
    of, said = part.comparisons, []
    tests = [pair.welch for one in of.made for pair in one.pairs] + [one.welch for one in of.made if one.welch]
    if any(one.log for one in of.made):
        said.append("Compared are common logarithms.")
    if crowded := sum(not one.pairs for one in of.made):
        said.append(f"{counted(crowded, 'level')} with too many damages to read pair by pair.")
    if of.too_few:
        said.append(f"{counted(of.too_few, 'cell')} with fewer than two finite values: not compared.")
    if of.alike:
        said.append(f"{counted(of.alike, 'level')} at which no damage has any spread: not compared.")
    if said:
        yield filled(" ".join(said))
    yield from sentences(test.note for test in tests if math.isnan(test.statistic))
