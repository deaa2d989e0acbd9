"""The abilities chart: a line an ability over the doses of one damage to one model, and when each has half failed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from app.charts.chart import Choice, Ink, Kind, Part
from app.charts.dose import NO_DAMAGE, VIEW, Panel, draw_dose
from app.charts.drawing import MARKERS, Plotted
from app.charts.table import Table
from app.words import rounded
from engine.analysis import Ability, abilities

AN_ABILITY = "a line an ability"

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class AbilityChart(Plotted):
    """The dose–response of every ability on one axis from 0 to 1; the caption names the markers, which leaves the upper
    left, where abilities are whole, to the lines."""

    metric: str
    panel: Panel
    shown: tuple[Ability, ...]

    @property
    def title(self) -> str:
        return self.panel.title

    @property
    def empty(self) -> str:
        return "" if self.panel.finite else f"{self.metric}: {self.title}: no finite value to draw"

    def draw(self, plt: Any, ink: Ink, lines: int) -> None:
        draw_dose(plt, replace(self.panel, labels=("",) * len(self.panel.labels)), self.metric, ink)
        plt.ylim(0, 1.02)
        plt.yticks(_SHARES, [f"{share:.0%}" for share in _SHARES])

    def caption(self) -> list[str]:
        """The markers with the undamaged shares, then the half-damage doses with the range over seeds, the lowest
        first."""
        named = zip(MARKERS, self.shown, strict=False)
        lines = ["undamaged: " + ", ".join(f"{mark} {one.label} {rounded(one.curve.baseline)}" for mark, one in named)]
        failing = sorted((one for one in self.shown if not math.isnan(one.mean_half)), key=lambda one: one.mean_half)
        if failing:
            lines.append("half failed at: " + ", ".join(_half(ability) for ability in failing))
        return lines


class Abilities(Kind):
    """A chart a model, method and group that was damaged, the largest model first."""

    view = VIEW
    lines = (AN_ABILITY,)
    nothing = NO_DAMAGE
    several = True

    def offered(self, table: Table) -> bool:
        return bool(table.told_apart)

    def opens(self, table: Table) -> bool:
        return True

    def parts(self, table: Table, metric: str, choice: Choice) -> list[Part]:
        return [partial(_chart, metric, shown) for shown in abilities(table.damages, table.told_apart[metric])]


def _chart(metric: str, shown: tuple[Ability, ...]) -> AbilityChart:
    first = shown[0].curve
    title = f"{first.method} · {first.group} · {first.model}"
    labels = tuple(ability.label for ability in shown)
    return AbilityChart(metric, Panel(title, first.method, tuple(one.curve for one in shown), labels), shown)


def _half(ability: Ability) -> str:
    reached = [dose for dose in ability.half if not math.isnan(dose)]
    spread = f" ({_dose(min(reached))} to {_dose(max(reached))})" if len(reached) > 1 else ""
    missed = len(ability.half) - len(reached)
    return f"{ability.label} {_dose(ability.mean_half)}{spread}{f', {missed} seeds never' if missed else ''}"


def _dose(value: float) -> str:
    return f"{value:.2g}"
