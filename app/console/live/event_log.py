"""The log of a run: trials as they end, workers, models, warnings and errors, with the newest at the foot."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import RichLog

from app.safe import line
from app.words import clock

if TYPE_CHECKING:
    from textual.events import Resize

    from app.console.live.live_state import Entry

KEPT = 1_000  # lines; the run's files have them all

MARKS = {
    "trial": ("✓", "success"),
    "oom": ("▲", "warning"),
    "failed": ("✗", "error"),
    "worker": ("◇", "primary"),
    "model": ("◆", "primary"),
    "warning": ("!", "warning"),
    "error": ("✗", "error"),
    "state": ("●", "accent"),
}


class EventLog(RichLog):
    """Scrolls by key when focused; follows the newest line while it is at the foot."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane", wrap=True, markup=False, highlight=False, min_width=10, max_lines=KEPT)
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._width = 0

    def on_mount(self) -> None:
        self.border_title = "log"
        self.app.theme_changed_signal.subscribe(self, lambda _: self._rewrite())

    def add(self, entries: list[Entry]) -> None:
        """Adds lines at the foot."""
        self._entries.extend(entries)
        if self._width:
            follow = self.is_vertical_scroll_end
            for entry in entries[-KEPT:]:
                self.write(self._text(entry), width=self._width, scroll_end=follow)

    def clear_all(self) -> None:
        """Forgets every line."""
        self._entries.clear()
        self.clear()

    def on_resize(self, event: Resize) -> None:
        """Wraps every line anew when the width changed."""
        before, self._width = self._width, self.scrollable_content_region.width
        if self._width != before:
            self._rewrite()

    def _rewrite(self) -> None:
        self.clear()
        for entry in self._entries:
            self.write(self._text(entry), width=self._width, scroll_end=True)

    def _text(self, entry: Entry) -> Text:
        symbol, colour = MARKS.get(entry.kind, ("·", "muted"))
        body = "foreground" if entry.kind in ("trial", "worker", "model", "state") else colour
        one_line = entry.kind == "trial"  # its result comes first
        text = Text(overflow="ellipsis" if one_line else "fold", no_wrap=one_line, end="")
        text.append(f"{clock(entry.time) if entry.time else '--:--:--'} ", "muted")
        return text.append(f"{symbol} ", colour).append(line(entry.text), body)
