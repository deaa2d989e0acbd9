"""The form: a profile as fields under headings, one line a field, with a hint for the field that has the focus."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.css.scalar import Scalar
from textual.message import Message
from textual.widgets import Static

from app.console.design.draft import Draft
from app.console.design.form_lines import KINDS, folded
from app.console.design.form_list import FormList
from app.safe import line

_HINT, _LONG_HINT = 2, 7
"""Lines of a hint, at least and at most."""


class ProfileForm(Vertical):
    """Edits one draft."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.back", "List", key_display="esc", tooltip="back to the list of profiles"),
        Binding("ctrl+n", "add", "Add", key_display="^n", tooltip="another damage, or measurement where the focus is"),
        Binding("ctrl+t", "remove", "Remove", key_display="^t", tooltip="take away the damage or measurement"),
    ]

    class Changed(Message):
        """The draft is no longer what it was."""

    def __init__(self) -> None:
        super().__init__(id="form", classes="pane")
        self._draft: Draft | None = None
        self.list = FormList()
        """The fields."""
        self._foot = Static("", classes="hint", markup=False)

    def compose(self) -> ComposeResult:
        yield self.list
        yield self._foot

    def edit(self, draft: Draft | None) -> None:
        """Shows a draft; None empties the form."""
        self._draft = draft
        self.list.edit(draft)

    def show_faults(self, faults: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
        """Shows each (key, sentence) beneath the field it is about and clears the others.

        Returns the places of the fields that are wrong ("Damage 1: levels") and the sentences that are about no field.
        """
        wrong: dict[str, str] = {}
        places: list[str] = []
        homeless: list[str] = []
        for key, sentence in faults:
            place = next((stop for stop in self.list.stops if stop.field and _about(stop.field.key, key)), None)
            if place is None or place.field is None:
                homeless.append(f"{key}: {sentence}" if key else sentence)
            elif place.field.key not in wrong:
                wrong[place.field.key] = line(sentence)
                title, _, _ = self.list.sections[place.section].title.partition(":")
                places.append(f"{title}: {place.field.label}")
        self.list.fault(wrong)
        return places, homeless

    def focus_first(self) -> None:
        """Puts the focus on the field that is wrong, else on the first one."""
        self.list.go_first()
        self.screen.set_focus(self.list)

    @on(FormList.Changed)
    def _changed(self, event: FormList.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    @on(FormList.Moved)
    def _moved(self, event: FormList.Moved) -> None:
        event.stop()
        field = self.list.field if self.list.has_focus else None
        self._hint(line(field.hint) if field else "")
        self.screen.refresh_bindings()

    def _hint(self, text: str) -> None:
        """Shows all of a hint; only one that needs other room than the last makes the form be laid out anew."""
        needed = min(max(len(folded(text, max(self._foot.content_size.width, 1))), _HINT), _LONG_HINT) + 1
        if self._foot.content_size.width and self._foot.styles.height != Scalar.from_number(needed):
            self._foot.styles.height = needed
        self._foot.update(text, layout=False)

    @on(FormList.Pressed)
    def _pressed(self, event: FormList.Pressed) -> None:
        event.stop()
        if event.button == "add":
            self.action_add()
        else:
            self.action_remove()

    def action_add(self) -> None:
        """Adds a measurement where the focus is on one, else a damage, and goes there."""
        section = self.list.section
        if self._draft is not None:
            kind = section.kind if section and section.kind else "damage"
            self._rebuilt(kind, self._draft.add(kind))

    def action_remove(self) -> None:
        """Takes away the damage or the measurement where the focus is; the last one stays."""
        section = self.list.section
        if self._draft is None or section is None or not section.kind:
            self.notify("Go to the damage or the measurement to remove first.", timeout=4)
        elif len(self._draft.tables(section.kind)) < 2:
            self.notify(f"A profile needs at least one {KINDS[section.kind]}.", timeout=4)
        else:
            self._draft.remove(section.kind, section.index)
            self._rebuilt(section.kind, max(0, section.index - 1))

    def _rebuilt(self, kind: str, index: int) -> None:
        self.list.rebuilt(kind, index)
        self.screen.set_focus(self.list)
        self.post_message(self.Changed())


def _about(field: str, key: str) -> bool:
    """Whether a fault at `key` belongs beneath this field: the key itself, or a part of its value."""
    return key == field or key.startswith(field + ".")
