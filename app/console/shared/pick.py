"""Dialogs that pick from a list: `Pick` one by typing part of its name, `Tick` several."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, SelectionList, Static
from textual.widgets.option_list import Option
from textual.widgets.selection_list import Selection

from app.console.shared.dialog import Dialog
from app.safe import line

Choice = tuple[str, str]
"""A name and what it is, in a few words."""


def _row(choice: Choice, width: int) -> Content:
    name, summary = choice
    return Content.assemble(line(name).ljust(width), "  ", (line(summary), "$muted"))


def _width(choices: Iterable[Choice]) -> int:
    return min(28, max((len(line(name)) for name, _ in choices), default=0))


class Pick(Dialog[str]):
    """Picks one of several; the result is its name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
    ]

    def __init__(self, title: str, choices: Sequence[Choice], chosen: str = "") -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._chosen = chosen
        self._column = _width(choices)
        self._rows = list(choices)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = f"{self._title}"
            box.border_subtitle = "↑↓ move   enter choose   esc back"
            yield Input(placeholder="type to narrow", compact=True)
            choices = OptionList(compact=True)
            choices.can_focus = False
            yield choices
            yield Static("", classes="detail", markup=False)

    def on_mount(self) -> None:
        self._show("")
        names = [name for name, _ in self._choices]
        if self._chosen in names:
            self.query_one(OptionList).highlighted = names.index(self._chosen)

    def action_move(self, step: int) -> None:
        options = self.query_one(OptionList)
        if step < 0:
            options.action_cursor_up()
        else:
            options.action_cursor_down()

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        self._show(event.value)

    def _show(self, text: str) -> None:
        words = text.lower().split()
        rows = [c for c in self._choices if all(word in f"{c[0]} {c[1]}".lower() for word in words)]
        self._rows = rows
        self.query_one(".detail", Static).update("")
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_row(choice, self._column), id=None) for choice in rows])
        options.highlighted = 0 if rows else None

    @on(OptionList.OptionHighlighted)
    def _explain(self, event: OptionList.OptionHighlighted) -> None:
        self.query_one(".detail", Static).update(line(self._rows[event.option_index][1]))

    @on(Input.Submitted)
    def _choose(self) -> None:
        index = self.query_one(OptionList).highlighted
        if index is not None:
            self.dismiss(self._rows[index][0])

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._rows[event.option_index][0])


class _Ticks(SelectionList[str]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "screen.accept", "Accept", show=False)]


class Tick(Dialog[list[str]]):
    """Picks any number of several; the result is their names, in the order of the list."""

    def __init__(self, title: str, choices: Sequence[Choice], chosen: Sequence[str]) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        column = _width(self._choices)
        with Vertical(classes="dialog") as box:
            box.border_title = f"{self._title}"
            box.border_subtitle = "space tick   enter accept   esc back"
            yield _Ticks(
                *(Selection(_row(choice, column), choice[0], choice[0] in self._chosen) for choice in self._choices),
                compact=True,
            )
            yield Static("", classes="detail", markup=False)

    @on(SelectionList.SelectionHighlighted)
    def _explain(self, event: SelectionList.SelectionHighlighted[str]) -> None:
        self.query_one(".detail", Static).update(line(self._choices[event.selection_index][1]))

    def action_accept(self) -> None:
        """Closes with what is ticked."""
        ticked = set(self.query_one(SelectionList).selected)
        self.dismiss([name for name, _ in self._choices if name in ticked])
