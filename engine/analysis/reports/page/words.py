"""Numbers, intervals and names as the page has them."""

from __future__ import annotations

import math
import re
import string
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.analysis.reports.levels import level_info
from engine.analysis.reports.report import Report
from engine.analysis.statistics.correlation import Correlation
from engine.markdown import code, escaped

WIDTH = 80
NOTHING = "–"
_LONGEST = 28
"""Characters of a group's label; a longer one is told once, and has a number from there on."""
_WITHIN = re.compile(r"(?<=\w)\\_(?=\w)")
_EXPONENT = re.compile(r"e([+-])0*(\d)")


@dataclass(frozen=True)
class Names:
    """What the page calls the groups and runs of a report: short names, explained once."""

    groups: dict[str, str]
    models: dict[str, str]
    runs: dict[str, str]
    several_methods: bool

    @classmethod
    def of(cls, report: Report) -> Names:
        """Names for all that the report holds."""
        every = [cell for part in report.parts for cell in part.cells]
        labels = list(dict.fromkeys(cell.group for cell in every))
        long = [label for label in labels if len(label) > _LONGEST]
        groups = {
            label: f"{label.partition('[')[0][:_LONGEST]} ({long.index(label) + 1})" if label in long else label
            for label in labels
        }
        letters = [*string.ascii_uppercase, *(f"R{number}" for number in range(27, len(report.runs) + 1))]
        runs = dict(zip(report.runs, letters, strict=False)) if len(report.runs) > 1 else {}
        methods = {cell.method for cell in every if cell.level is not None}
        return cls(groups, _without_owners({cell.model for cell in every}), runs, len(methods) > 1)

    def model(self, model: str) -> str:
        """A model's name, as text of the page, without its owner where that leaves no doubt."""
        return text(self.models.get(model, model))

    def group(self, label: str) -> str:
        """A group's name, as text of the page."""
        return text(self.groups.get(label, label)) if label else NOTHING

    def run(self, runs: Iterable[str]) -> str:
        """The letters of these runs; nothing where the report is of one run."""
        return "+".join(self.runs[run] for run in runs if run in self.runs)

    def damage(self, method: str, group: str, runs: Iterable[str] = (), level: float | None = None) -> str:
        """What was done, in few words: the method where there are several, the group, the level, the runs."""
        if not group and level is None:
            words = ["undamaged" if method == "none" else text(method)]
        else:
            words = [text(method) if self.several_methods else "", self.group(group)]
            words += [] if level is None else [level_words(method, level)]
        return " ".join(filter(None, [*words, self.run(runs)]))

    def legend(self) -> str:
        """What the short names stand for."""
        lines = [f"- {letter}: {code(run)}" for run, letter in self.runs.items()]
        lines += [
            f"- {text(name)}: {code(label, longest=2_000)}" for label, name in self.groups.items() if name != label
        ]
        return "\n".join(lines)


def told_apart(parts: Sequence[tuple[str, str, str]]) -> list[str]:
    """What tells things apart of which method, group and run are given, in few words: one of the three alone, or what
    it takes of them."""
    told: list[str] = []
    for chosen in ((1,), (0,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)):
        told = [" ".join(filter(None, (part[place] for place in chosen))) for part in parts]
        if len(set(told)) == len(parts):
            break
    return told


def _without_owners(models: set[str]) -> dict[str, str]:
    """`pythia-1b` for EleutherAI/pythia-1b, unless another model is called so, too."""
    ends = {model: model.rpartition("/")[2] or model for model in models}
    return {model: end if list(ends.values()).count(end) == 1 else model for model, end in ends.items()}


def text(words: object, *, longest: int = 200) -> str:
    """Words from anywhere as text of the page. An underscore within a word is none of Markdown's, and brackets are only
    where a link could follow."""
    shown = _WITHIN.sub("_", escaped(words, longest=longest))
    return shown if "](" in str(words) or "!" in shown else shown.replace("\\[", "[").replace("\\]", "]")


def number(value: float, digits: int = 3) -> str:
    """So many significant digits, from 1e5 on and below 1e-4 with a power of ten: `2.17e8`; a dash for nan."""
    if math.isnan(value):
        return NOTHING
    if 1 <= abs(value) < 99_995:
        return f"{float(f'{value:.{digits}g}'):.5g}"
    return _EXPONENT.sub(lambda found: f"e{found[1].replace('+', '')}{found[2]}", f"{value:.{digits}g}")


def p_value(value: float) -> str:
    """Two significant digits."""
    return NOTHING if math.isnan(value) else "<1e-15" if value < 1e-15 else number(value, 2)


def interval(low: float, high: float, digits: int = 3) -> str:
    """`[1.2, 3.4]`; a dash where there is none."""
    return NOTHING if math.isnan(low) or math.isnan(high) else f"[{number(low, digits)}, {number(high, digits)}]"


def level_words(method: str, level: float | None) -> str:
    """The level with its letter: `σ 0.5`."""
    if level is None:
        return NOTHING
    known = level_info(method)
    return " ".join(filter(None, [known.symbol if known else "", f"{level:g}"]))


def symbol(method: str) -> str:
    """The letter of a method's level, the head of a column of levels; n is taken by the number of values."""
    known = level_info(method)
    return known.symbol if known and known.symbol != "n" else "level"


def correlation(of: Correlation) -> str:
    """The coefficient with its interval."""
    if math.isnan(of.r):
        return NOTHING
    bounds = f" {interval(of.low, of.high, 2)}" if not math.isnan(of.low) else ""
    return f"{number(of.r, 2)}{bounds}"


def percent(confidence: float) -> str:
    """`95 %`."""
    return f"{confidence * 100:g} %"


def filled(text: str, indent: str = "") -> str:
    """A paragraph in lines of at most 80 characters."""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def counted(count: int, noun: str) -> str:
    """`1 cell`, `1,200 cells`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def sentences(notes: Iterable[str]) -> list[str]:
    """Notes, each once, as sentences of the page."""
    return [filled(f"Note: {text(note, longest=400)}.") for note in dict.fromkeys(filter(None, notes))]
