"""A box over a screen that asks or tells something and goes away on Esc."""

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

Result = TypeVar("Result")


class Dialog(ModalScreen[Result | None]):
    """Subclasses compose one container of class `dialog`; the result is None when the user backs out."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Back", key_display="esc")]

    def action_cancel(self) -> None:
        self.dismiss(None)
