"""What the user has to know about a run before anything else, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from app.console.shared.figures import STATES
from app.safe import line
from app.words import duration
from engine.runs.status import ENDED

if TYPE_CHECKING:
    from engine.runs import RunStatus

ADVICE = {
    "done": "b reads its results.",
    "stopped": "r runs the trials that are left; b reads those that are done.",
    "failed": "Mend that, then r goes on from here; b reads what is done.",
    "crashed": "r goes on from here; b reads what is done.",
}


class Banner(Static):
    """One or two lines in the colour of the matter; takes no room while there is nothing to say."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self.display = False

    def hide(self) -> None:
        """Nothing to say any more."""
        self.display = False

    def tell(self, kind: str, text: str) -> None:
        """Shows a sentence; `kind` is a colour of the theme: success, warning or error."""
        self.set_classes(f"-{kind}")
        self.update(Content(text))
        self.display = True

    def ended(self, status: RunStatus, run: Path | None) -> None:
        """Says how a run ended, what to do next, and what of it cannot be read; hides while there is none of that."""
        unread = f" ! {line(status.fault)}; all else is shown." if status.fault else ""
        if status.state not in ENDED or run is None:
            self.tell("warning", unread.strip()) if unread else self.hide()
            return
        symbol, colour = STATES[status.state]
        lost = [
            f"{count} {word}" for count, word in ((status.failed, "failed"), (status.oom, "out of memory")) if count
        ]
        counts = ", ".join([f"{status.done} of {status.total} trials", *lost])
        why = f" {line(status.text).rstrip('.')}." if status.text and status.state != "done" else ""
        log = f" {line(run.name)}/worker.log says more." if status.state in ("failed", "crashed") else ""
        head = f"{symbol} {status.state} after {duration(status.seconds)}: {counts}."
        self.tell(colour, f"{head}{why} {ADVICE[status.state]}{log}{unread}")
