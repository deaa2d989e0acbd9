"""States of runs, outcomes of trials and trials themselves, as the console shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from app import charts
from app.safe import line
from engine.analysis import model_name, trial_group

STATES = {
    "running": ("●", "primary"),
    "stopping": ("◐", "warning"),
    "done": ("✓", "success"),
    "stopped": ("■", "warning"),
    "failed": ("✗", "error"),
    "crashed": ("!", "error"),
    "damaged": ("!", "error"),
}
"""Symbol and theme colour of each state of a run, and of one that cannot be read whole; the word always stands beside
the symbol."""

OUTCOMES = {"ok": ("✓", "success"), "oom": ("▲", "warning"), "failed": ("✗", "error")}
"""Symbol and theme colour of each status of a trial."""

ENDED = ("done", "stopped", "failed", "crashed")
"""States in which no runner is at work."""


def state_text(state: str, colours: dict[str, str]) -> Text:
    """A run's state as symbol and word, in its colour of the theme."""
    symbol, colour = STATES.get(state, ("?", "muted"))
    return Text(f"{symbol} {state}", style=colours[colour])


def outcome_text(status: str, colours: dict[str, str]) -> Text:
    """A trial's status as symbol and word, in its colour of the theme."""
    symbol, colour = OUTCOMES.get(status, ("?", "muted"))
    return Text(f"{symbol} {line(status, longest=60)}", style=colours[colour])


def trial_words(trial: Mapping[str, Any]) -> str:
    """What a trial is, on one line: `petri-60k · mult_gauss σ 0.4 · attn_only · seed 43`."""
    parts: list[object] = [model_name(str(trial.get("model")))]
    if trial.get("baseline") or trial.get("method") == "none":
        parts.append("baseline")
    else:
        group = trial_group(trial)
        parts += [charts.dose_words(str(trial.get("method")), trial.get("level")), group]
    return line(" · ".join(str(part) for part in [*parts, f"seed {trial.get('seed')}"]))
