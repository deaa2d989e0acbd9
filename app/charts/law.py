"""The law of the last layer's gain, in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.text import Text

from app.charts.chart import Choice, Ink, Kind, Paper, Part
from app.charts.drawing import wrapped
from app.charts.table import Table
from app.words import rounded
from engine.analysis import Scaling, scaling
from engine.analysis.gains import HYPOTHESISED_EXPONENT, hypothesis
from engine.analysis.power_law import power_of_ten
from engine.catalog.columns import metric_of

LAW_OF = "mlp_gain_last"
PREDICTED = {"7B": 7e9, "12B": 12e9, "13B": 13e9, "70B": 70e9, "175B": 175e9, "1T": 1e12}
"""The sizes for which the survey gives what its law predicts."""


@dataclass(frozen=True)
class LawChart:
    """The fitted law in words; there is no picture of it beside that of the scaling."""

    metric: str
    law: Scaling
    title = "law"
    reason = ""

    def caption(self) -> list[str]:
        """The law in full, against the hypothesised exponent, with its predictions; nothing without a fit."""
        held = hypothesis(self.law)
        if held is None or self.law.exponent is None or self.law.intercept is None:
            return []
        difference, within = held
        predicted = ", ".join(f"{name} {rounded(self.law.at(size))}" for name, size in PREDICTED.items())
        error = f"{'within' if within else 'not within'} one standard error"
        return [
            f"law: {power_of_ten(self.law.intercept):.4g} · parameters^{self.law.exponent:.4f}; the survey supposed "
            f"{HYPOTHESISED_EXPONENT}, {difference:+.4f} away, {error}",
            f"the law predicts: {predicted}",
        ]

    def picture(self, plt: Any, width: int, height: int, ink: Ink) -> Text:
        return Text("\n".join(wrapped(self.caption(), width)))

    def text(self, paper: Paper) -> str:
        return "\n".join(wrapped(self.caption(), paper.width))


class Laws(Kind):
    """The law that a survey of gains supposes, against the one that the models of the table follow."""

    def parts(self, table: Table, metric: str, choice: Choice) -> list[Part]:
        if metric_of(metric).name != LAW_OF:
            return []
        law = scaling(table.frame, metric)
        return [partial(LawChart, metric, law)] if hypothesis(law) is not None else []
