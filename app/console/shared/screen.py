"""What the three screens share: the masthead above, the keys below, commands and words for the help screen."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult, SystemCommand
from textual.events import Resize
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from app.console.shared.key_bar import KeyBar
from app.console.shared.masthead import Masthead

LEAST = (60, 16)
"""Columns and rows without which nothing can be shown."""
ROOMY = (76, 20)
"""Columns and rows from which every pane has its place; with less, one at a time is shown."""


class LabScreen(Screen[None]):
    """A screen of the console. Subclasses compose their content in `body` and name their mode."""

    MODE: ClassVar[str]
    """design, live or browse: the mode that shows this screen."""
    WORDS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """What things on this screen mean, for the help screen: (word, meaning)."""

    def compose(self) -> ComposeResult:
        yield Static("", classes="too-small", markup=False)
        yield Masthead(self.MODE)
        yield from self.body()
        yield KeyBar()

    def on_resize(self, event: Resize) -> None:
        """Folds the screen where there is little room, and says so where there is too little."""
        width, height = event.size
        self.set_class(width < ROOMY[0] or height < ROOMY[1], "-folded")
        self.set_class(width < LEAST[0] or height < LEAST[1], "-too-small")
        needed = f"This terminal shows {width}×{height} characters; Lesion needs {LEAST[0]}×{LEAST[1]}."
        self.query_one(".too-small", Static).update(needed)

    def body(self) -> Iterable[Widget]:
        """The content between masthead and footer."""
        raise NotImplementedError

    def watch_focused(self, before: Widget | None, now: Widget | None) -> None:
        """Lights up the pane that the focus is in. (The style `:focus-within` would do, but restyles every widget of
        a pane at every step inside it.)"""
        left = set(before.ancestors_with_self if before else ())
        entered = set(now.ancestors_with_self if now else ())
        for node in left ^ entered:
            node.set_class(node in entered and node.has_class("pane"), "-inside")

    def commands(self) -> Iterable[SystemCommand]:
        """What this screen adds to the command palette."""
        return ()

    def unsaved(self) -> list[str]:
        """Names of what would be lost on leaving; the user is asked about it."""
        return []

    def place(self, text: str) -> None:
        """Shows at the right of the masthead what the screen is about: a profile's or a run's name."""
        self.query_one(Masthead).place(text)
