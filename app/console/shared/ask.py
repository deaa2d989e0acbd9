"""A question with yes and no."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from app.console.shared.dialog import Dialog
from app.safe import plain


class Ask(Dialog[bool]):
    """Asks before something that cannot be taken back; True only for yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", show=False),
        Binding("n", "answer(False)", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, question: str, yes: str, no: str = "No") -> None:
        super().__init__()
        self._title = title
        self._question = question
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = f"{self._title}"
            box.border_subtitle = "y yes   n no   esc back"
            yield Static(plain(self._question), markup=False, classes="question")
            with Horizontal(classes="answers"):
                yield Button(self._yes, id="yes", compact=True)
                yield Button(self._no, id="no", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """Answers by key."""
        self.dismiss(yes)


def ask_to_trust(reason: str) -> Ask:
    """Asks whether program code that comes with a model or a task may run, of which `reason` is the sentence."""
    return Ask("Run its code?", f"{reason}. It could do whatever you can do on this host.", "Allow once", "Back")
