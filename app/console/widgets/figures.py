"""Numbers as the console writes them: metrics, changes, durations, sizes and the states of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
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


def number(value: float | int | None) -> str:
    """A metric or a count as the charts write it, four significant digits; `–` where there is none."""
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else charts.number(value)


def signed(value: float | None) -> str:
    """A change with its sign always written (a true minus), three significant digits."""
    if value is None or math.isnan(value):
        return "–" if value is None else "nan"
    size = abs(value)
    text = f"{size:,.0f}" if 1000 <= size < 1e6 else f"{size:.2e}" if 1e6 <= size < math.inf else f"{size:.3g}"
    return text if value == 0 else f"{'+' if value > 0 else '−'}{text}"


def percent(value: float | None) -> str:
    """A signed percentage: `+24.1 %`, `nan`, `+inf %`; `–` for a missing one."""
    return "–" if value is None else "nan" if math.isnan(value) else f"{signed(value)} %"


def duration(seconds: float | None) -> str:
    """`0.3 s`, `18 s`, `2 m 41 s`, `3 h 07 m`, `2 d 4 h`; `–` when it is not known."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} m"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def gibibytes(size: float, unit: bool = True) -> str:
    """A number of bytes in GiB, or MiB below one."""
    if size < 1024**3:
        return f"{size / 1024**2:,.0f}{' MiB' if unit else ''}"
    return f"{size / 1024**3:,.1f}{' GiB' if unit else ''}"


def clock(seconds: float) -> str:
    """A unix time as the local time of day; dashes where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds).strftime("%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "--:--:--"


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
