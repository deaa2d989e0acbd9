"""Help: the keys that work where the user is, and what the words on the screen mean."""

from collections.abc import Iterable
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from app.console.shared.dialog import Dialog
from app.console.shared.screen import LabScreen

Row = tuple[str, str]

_EVERYWHERE: tuple[Row, ...] = (
    ("1 2 3", "Design, Live, Browse; f2 f3 f4 while typing"),
    ("tab  shift+tab", "next and previous field"),
    ("ctrl+p", "every command by name"),
    ("? or f1", "this help"),
    ("esc", "back: out of a field, out of a dialog"),
    ("ctrl+q", "leave; runs that were started go on"),
)


class Help(Dialog[None]):
    """The keys of one screen and its words."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,f1,q", "cancel", "Back", show=False)]

    def __init__(self, title: str, keys: Iterable[Row], words: Iterable[Row]) -> None:
        super().__init__()
        self._title = title
        self._keys = tuple(keys)
        self._words = tuple(words)

    @classmethod
    def of(cls, screen: LabScreen) -> "Help":
        """The help of a screen, for where its focus is."""
        return cls(screen.MODE.capitalize(), _keys(screen), screen.WORDS)

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog") as box:
            box.border_title = f"{self._title}: keys and words"
            box.border_subtitle = "↑↓ scroll   esc back"
            yield Static("On this screen", classes="heading")
            yield Static(_table(self._keys, "accent"))
            yield Static("Everywhere", classes="heading")
            yield Static(_table(_EVERYWHERE, "accent"))
            yield Static("What things mean", classes="heading")
            yield Static(_table(self._words, "foreground"))


def _table(rows: Iterable[Row], colour: str) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=15, no_wrap=True, style=colour)
    table.add_column(ratio=1)
    for left, right in rows:
        table.add_row(Text(left), Text(right))
    return table


def _keys(screen: LabScreen) -> list[Row]:
    """The keys in force where the focus is, without those that every screen or every field has."""
    rows: dict[str, Row] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.show and active.node is not screen.app:
            rows.setdefault(
                binding.action, (screen.app.get_key_display(binding), binding.tooltip or binding.description)
            )
    return list(rows.values())
