"""The first line of every screen: the program's name, the three screens with their keys, and what is open."""

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Click
from textual.widgets import Static

from app.safe import line

MODES = ("design", "live", "browse")


class Masthead(Horizontal):
    """One line; the mode shown is lit. A click on another switches to it."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode
        self._place = ""

    def compose(self) -> ComposeResult:
        yield Static(" lesion ", classes="brand")
        for number, mode in enumerate(MODES, 1):
            yield ModeTab(number, mode, lit=mode == self._mode)
        yield Static("", classes="place")

    def place(self, text: str) -> None:
        """Shows what the screen is about, at the right."""
        if text != self._place:
            self._place = text
            self.query_one(".place", Static).update(Text(line(text), no_wrap=True, overflow="ellipsis"), layout=False)


class ModeTab(Static):
    """The name of one screen and the key that opens it."""

    def __init__(self, number: int, mode: str, *, lit: bool) -> None:
        super().__init__(f" [b]{number}[/b] {mode.capitalize()} ", classes="-lit" if lit else "")
        self._mode = mode

    async def on_click(self, event: Click) -> None:
        event.stop()
        await self.run_action(f"app.mode('{self._mode}')")
