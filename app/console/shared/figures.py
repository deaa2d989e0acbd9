"""States of runs, outcomes of trials and trials themselves, as the console shows them."""

from __future__ import annotations

from rich.text import Text

from app.safe import line
from app.words import dose_words
from engine.analysis import model_name, trial_group
from engine.profile import Trial
from engine.record.trials import TrialRecord

STATES = {
    "running": ("●", "primary"),
    "stopping": ("◐", "warning"),
    "done": ("✓", "success"),
    "stopped": ("■", "warning"),
    "failed": ("✗", "error"),
    "crashed": ("!", "error"),
    "damaged": ("!", "error"),
    "imported": ("↓", "success"),
}
"""Symbol and theme colour of each state of a run, and of one that cannot be read whole or was imported; the word always
stands beside the symbol."""

OUTCOMES = {"ok": ("✓", "success"), "oom": ("▲", "warning"), "failed": ("✗", "error")}
"""Symbol and theme colour of each status of a trial."""


def state_text(state: str) -> Text:
    """A run's state as symbol and word, in its colour of the theme."""
    symbol, colour = STATES.get(state.partition(",")[0], ("?", "muted"))
    return Text(f"{symbol} {state}", style=colour)


def outcome_text(status: str) -> Text:
    """A trial's status as symbol and word, in its colour of the theme."""
    symbol, colour = OUTCOMES.get(status, ("?", "muted"))
    return Text(f"{symbol} {line(status, longest=60)}", style=colour)


def trial_words(trial: Trial | TrialRecord) -> str:
    """What a trial is, on one line: `petri-60k · mult_gauss σ 0.4 · attn_only · seed 43`."""
    parts = [model_name(trial.model)]
    if trial.baseline or trial.method == "none":
        parts.append("baseline")
    else:
        parts += [dose_words(trial.method, trial.level), str(trial_group(trial))]
    return line(" · ".join([*parts, f"seed {trial.seed}"]))
