"""The abilities chart: a line an ability over the doses of one damage to one model, and when each has half failed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.charts import COLOURS, MARKERS, Panel, as_text, draw_dose, wrapped
from app.words import rounded
from engine.analysis import Ability, abilities

if TYPE_CHECKING:
    import pandas as pd

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def ability_panels(frame: pd.DataFrame, metrics: Sequence[str]) -> list[tuple[Panel, tuple[Ability, ...]]]:
    """A chart for each model, method and group that was damaged, with what it shows. Raises LesionError where the table
    lacks one of the metrics."""
    charts = []
    for shown in abilities(frame, metrics):
        first = shown[0].curve
        title = f"{first.method} · {first.group} · {first.model}"
        labels = tuple(ability.label for ability in shown)
        charts.append((Panel(title, first.method, tuple(ability.curve for ability in shown), labels), shown))
    return charts


def ability_chart(
    panel: Panel, shown: Sequence[Ability], kind: str, *, width: int = 80, height: int = 24, colour: bool = True
) -> str:
    """The chart and its caption as text, at most `width` columns and `height` lines."""
    caption = wrapped(ability_caption(shown), width)
    if not any(n for curve in panel.curves for n in curve.n):
        return "\n".join([f"{kind}: {panel.title}: no finite value to draw", *caption])
    return as_text(lambda plt: draw_abilities(plt, panel, kind), caption, width, height, colour)


def draw_abilities(plt: Any, panel: Panel, kind: str, *, colours: Sequence[Any] = COLOURS) -> None:
    """The dose-response of every ability on one axis from 0 to 1; the caption names the markers, which leaves the upper
    left, where abilities are whole, to the lines."""
    draw_dose(plt, replace(panel, labels=("",) * len(panel.labels)), kind, colours=colours)
    plt.ylim(0, 1.02)
    plt.yticks(_SHARES, [f"{share:.0%}" for share in _SHARES])


def ability_caption(shown: Sequence[Ability]) -> list[str]:
    """The markers with the undamaged shares, then the half-damage doses with the range over seeds, the lowest first."""
    named = zip(MARKERS, shown, strict=False)
    lines = ["undamaged: " + ", ".join(f"{mark} {one.label} {rounded(one.curve.baseline)}" for mark, one in named)]
    failing = sorted((ability for ability in shown if not math.isnan(ability.mean_half)), key=lambda one: one.mean_half)
    if failing:
        lines.append("half failed at: " + ", ".join(_half(ability) for ability in failing))
    return lines


def _half(ability: Ability) -> str:
    reached = [dose for dose in ability.half if not math.isnan(dose)]
    spread = f" ({_dose(min(reached))} to {_dose(max(reached))})" if len(reached) > 1 else ""
    missed = len(ability.half) - len(reached)
    return f"{ability.label} {_dose(ability.mean_half)}{spread}{f', {missed} seeds never' if missed else ''}"


def _dose(value: float) -> str:
    return f"{value:.2g}"
