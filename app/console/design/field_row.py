"""One line of the form: a label, the text being typed, and beneath it what is wrong with it."""

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from app.console.design.field import Field
from app.console.design.fieldtext import read, show
from app.console.shared.pick import Pick, Tick
from app.safe import line

_LONGEST = 100_000
"""Characters of a value in its field: an edit that began with less of them would lose the rest."""


class FieldInput(Input):
    """A field's text. Enter goes on to the next field."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Next", show=False)]


class ChoiceInput(FieldInput):
    """A field's text that can also be chosen: Enter lists what there is."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Choose", tooltip="list what can be chosen")]


class FieldRow(Vertical):
    """A field of the form with its present text."""

    class Edited(Message):
        """The user changed the value of a field; None means that its default holds."""

        def __init__(self, key: str, value: Any) -> None:
            super().__init__()
            self.key = key
            self.value = value

    def __init__(self, field: Field, value: Any) -> None:
        super().__init__()
        self.field = field
        self._value = value
        kind = ChoiceInput if field.choices else FieldInput
        self.input = kind(
            _text(field, value),
            placeholder=field.default,
            compact=True,
            select_on_focus=False,
            classes="stop",
        )
        """Where the text is typed."""
        self._error = Static("", classes="error", markup=False)

    def compose(self) -> ComposeResult:
        mark = "▾" if self.field.choices else " "
        yield Static(f"{self.field.label:<13}{mark}", classes="label", markup=False)
        yield self.input
        yield self._error

    def fault(self, message: str | None) -> None:
        """Shows what is wrong beneath the field, or that nothing is."""
        self.set_class(message is not None, "-wrong")
        self._error.update(line(message or ""))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != _text(self.field, self._value):
            self._value = read(self.field.kind, event.value)
            self.post_message(self.Edited(self.field.key, self._value))

    @on(Input.Submitted)
    def _enter(self, event: Input.Submitted) -> None:
        event.stop()
        if self.field.choices is None:
            self.screen.focus_next(".stop")
        elif self.field.many:
            chosen = [str(name) for name in self._value] if isinstance(self._value, list) else []
            self.app.push_screen(Tick(self.field.label, self.field.choices(), chosen), self._ticked)
        else:
            self.app.push_screen(Pick(self.field.label, self.field.choices(), event.value), self._picked)

    def _picked(self, name: str | None) -> None:
        if name is not None:
            self.input.value = name

    def _ticked(self, names: list[str] | None) -> None:
        """Names typed by hand that no list offers stay, after those that were ticked."""
        if names is None or self.field.choices is None:
            return
        listed = {name for name, _ in self.field.choices()}
        typed = read("names", self.input.value) or []
        self.input.value = show("names", [*names, *(name for name in typed if name not in listed)])


def _text(field: Field, value: Any) -> str:
    return line(show(field.kind, value), longest=_LONGEST)
