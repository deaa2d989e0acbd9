"""How far a run has come: state, bar, rate, time left, and the trial at work."""

from __future__ import annotations

import time

from rich.text import Text
from textual.widget import Widget

from app.console.live.live_state import LiveState
from app.console.live.pace import left
from app.console.shared.figures import state_text
from app.safe import line
from app.words import clock, duration
from engine.runs import RunStatus
from engine.runs.status import ENDED

ROOMY = 60  # columns from which things are said in full


class ProgressPane(Widget):
    """Four lines; the longest are cut at the right edge."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._status: RunStatus | None = None
        self._live = LiveState()

    def show(self, status: RunStatus | None, live: LiveState) -> None:
        """Takes the latest of a run."""
        self._status, self._live = status, live
        self.refresh()

    def render(self) -> Text:
        if self._status is None:
            return Text.assemble(("reading the run…", "muted"))
        rows = (self._counts(), self._bar(), self._pace(), self._now())
        for row in rows:
            row.truncate(self.size.width, overflow="ellipsis")
        return Text("\n").join(rows)

    def _counts(self) -> Text:
        status = self._known
        row = state_text(status.state)
        row.stylize("bold")
        trials = f"{status.done} of {status.total} trials" if self._roomy else f"{status.done}/{status.total}"
        row.append(f"   {trials}", "bright")
        for count, word, colour in (
            (status.ok, "ok", "success"),
            (status.oom, "oom", "warning"),
            (status.failed, "failed", "error"),
        ):
            if count:
                row.append(" · ", "muted").append(f"{count} {word}", colour)
        return row

    def _bar(self) -> Text:
        status = self._known
        share = min(status.done / status.total, 1.0) if status.total else 0.0
        figure = f" {share:4.0%}"
        width = max(self.size.width - len(figure), 1)
        full = round(width * share)
        row = Text("━" * full, "success" if status.state == "done" else "primary")
        return row.append("━" * (width - full), "line").append(figure, "bright")

    def _pace(self) -> Text:
        status, now = self._known, time.time()
        took = duration(status.seconds)
        if status.state in ENDED:
            parts = [f"took {took}", _pace(status.done, status.seconds)]
        else:
            parts = [f"{took} so far", _pace(status.life_done, now - (status.life_started or now))]
            ends = [end for end in self._live.ends if end >= (status.life_started or 0.0)]
            if (between := left(ends, status.total - status.done, now)) is not None:
                parts.insert(0, _left(*between, now if self._roomy else None))
        return Text(" · ".join(parts), style="foreground")

    def _now(self) -> Text:
        words = self._live.now_words()
        row = Text(words, style="foreground")
        if self._live.what:
            row.append(" — " * bool(words), "muted").append(line(self._live.what), "accent")
        return row

    @property
    def _roomy(self) -> bool:
        return self.size.width >= ROOMY

    @property
    def _known(self) -> RunStatus:
        assert self._status is not None
        return self._status


def _pace(count: int, seconds: float) -> str:
    """Trials a second, or a minute where that is less than one."""
    if not count or seconds <= 0:
        return "– trials/min"
    rate = count / seconds
    return f"{rate:.3g} trials/s" if rate >= 1 else f"{rate * 60:.3g} trials/min"


def _left(fewest: float, most: float, now: float | None) -> str:
    """`12 s to 18 s left`, or one time where both read the same; with `now` also when that is."""
    low, high = duration(fewest), duration(most)
    ends = ""
    if now is not None:
        first, last = clock(now + fewest)[:5], clock(now + most)[:5]
        ends = f" (ends {first})" if first == last else f" (ends {first} to {last})"
    return f"{low} left{ends}" if low == high else f"{low} to {high} left{ends}"
