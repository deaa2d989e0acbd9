"""The fields of a draft as one list with one editor. It paints its own lines, and of them only those that changed: a
letter costs a line. Every key that edits or moves is handled here, so that they take effect in their order."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Key, Paste
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from app.console.design.damage_fields import follow
from app.console.design.draft import Draft
from app.console.design.field import Field, Section
from app.console.design.field_texts import FieldTexts
from app.console.design.fields import sections
from app.console.design.fieldtext import read, show
from app.console.design.form_lines import Cell, Line, Shown, Stop, label_width, lines, stops
from app.console.design.line_editor import LineEditor
from app.console.design.painting import Use, painted, window
from app.console.shared.pick import Pick, Tick
from app.safe import plain

_STEPS = {"down": 1, "up": -1, "tab": 1, "shift+tab": -1}
_PARTS = (
    *("heading", "label", "label-active", "label-wrong", "field", "field-active", "default", "caret", "selection"),
    *("error", "whole", "button", "button-active", "gap"),
)


class FormList(ScrollView, can_focus=True, inherit_bindings=False):
    """Edits one draft. The stop in use is a field, whose text the editor has, or a button."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Choose", tooltip="list what can be chosen"),
        Binding("enter", "press", "Press", tooltip="add or remove"),
        Binding("enter", "step(1)", "Next", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"form--{part}" for part in _PARTS}

    class Changed(Message):
        """The draft is no longer what it was."""

    class Moved(Message):
        """Another stop is in use."""

    class Pressed(Message):
        """A button of a section: "add" or "remove"."""

        def __init__(self, button: str) -> None:
            super().__init__()
            self.button = button

    def __init__(self) -> None:
        super().__init__()
        self._draft: Draft | None = None
        self._texts = FieldTexts(Draft({}, None))
        self._faults: dict[str, str] = {}
        self._lines: list[Line] = []
        self.sections: list[Section] = []
        """The headings with their fields."""
        self.stops: list[Stop] = []
        """Where the focus can be, in order."""
        self.active = 0
        """The number of the stop in use."""
        self.editor = LineEditor()
        """The text of the field in use."""
        self._painted = 0

    # What is shown

    def edit(self, draft: Draft | None) -> None:
        """Shows a draft from its first field on, or anew where it is; None empties the list."""
        same, self._draft = draft is self._draft, draft
        if not same:
            self._texts, self._faults = FieldTexts(draft or Draft({}, None)), {}
        self._renew()
        if not same:
            self.active = 0
            self.scroll_to(y=0, animate=False, immediate=True)
        self._take_up()

    def fault(self, faults: dict[str, str]) -> None:
        """Shows sentences about mistakes, by the keys of their fields, and takes the others away."""
        if faults != self._faults:
            self._faults = faults
            self._arrange()
            self._reveal()

    @property
    def field(self) -> Field | None:
        """The field in use; None at a button, and where there is nothing."""
        return self.stops[self.active].field if self.stops else None

    @property
    def section(self) -> Section | None:
        """The section of the stop in use."""
        return self.sections[self.stops[self.active].section] if self.stops else None

    def texts(self) -> dict[str, str]:
        """What the fields say, by key."""
        fields = (stop.field for stop in self.stops if stop.field)
        return {field.key: self._texts.text(field) for field in fields}

    def wrong(self) -> list[str]:
        """The keys of the fields that are said to be wrong, in order."""
        return [stop.field.key for stop in self.stops if stop.field and stop.field.key in self._faults]

    def go(self, place: int) -> None:
        """Uses another stop."""
        if self.stops:
            self.active = min(max(place, 0), len(self.stops) - 1)
            self._take_up()

    def go_first(self) -> None:
        """Uses the first field that is wrong, else the first stop."""
        wrong = [place for place, stop in enumerate(self.stops) if stop.field and stop.field.key in self._faults]
        self.go(wrong[0] if wrong else 0)

    def rebuilt(self, kind: str, index: int) -> None:
        """Takes up the draft after a table was added or removed, at the first field of one of its sections."""
        self._texts = FieldTexts(self._draft or Draft({}, None))
        self._faults = {}
        self._renew()
        where = [place for place, stop in enumerate(self.stops) if self._is_of(stop, kind, index)]
        self.go(where[0] if where else 0)

    def _is_of(self, stop: Stop, kind: str, index: int) -> bool:
        section = self.sections[stop.section]
        return (section.kind, section.index) == (kind, index)

    def _take_up(self) -> None:
        field = self.field
        self.editor = LineEditor.at_end(self._texts.text(field) if field else "")
        self._arrange()
        self._reveal()
        self.post_message(self.Moved())

    def _renew(self) -> None:
        """Takes the sections that the draft calls for; the field in use stays so while there is one of its key."""
        key = self.field.key if self.field else ""
        self.sections = sections(self._draft) if self._draft else []
        self.stops = stops(self.sections)
        keys = [stop.field.key if stop.field else "" for stop in self.stops]
        self.active = keys.index(key) if key in keys else max(min(self.active, len(keys) - 1), 0)

    # Lines

    def _arrange(self) -> None:
        """Makes the lines anew, and has those painted again that differ."""
        width = self.scrollable_content_region.width - 2
        if width < 1:
            return
        before = self._lines
        shown = Shown(self.texts(), self._faults, self.active if self.has_focus else -1)
        self._lines = lines(self.sections, self.stops, shown, width)
        if len(before) != len(self._lines):
            self.virtual_size = Size(self.scrollable_content_region.width, len(self._lines))
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                self.refresh_line(y)
        self._repaint()

    def _repaint(self) -> None:
        """Has the lines of the stop in use painted again, and of the one that was before."""
        for y, row in enumerate(self._lines):
            if any(cell.stop in (self.active, self._painted) for cell in row if cell.stop >= 0):
                self.refresh_line(y)
        self._painted = self.active

    def _reveal(self) -> None:
        """Brings the stop in use into view with what is written beneath it, and with the heading above the first."""
        mine = [y for y, row in enumerate(self._lines) if any(cell.stop == self.active for cell in row)]
        if not mine or not self.has_focus:
            return
        top, bottom, height = mine[0], mine[-1] + 1, self.scrollable_content_region.height
        top -= self._lines[top - 1][0].kind == "heading"
        y = self.scroll_offset.y
        wanted = top if top < y else max(bottom - height, 0) if bottom > y + height else y
        self.scroll_to(y=min(wanted, top), animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        row = y + self.scroll_offset.y
        if row >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        use, labels = Use(self.active, self.editor, self.has_focus), label_width(self.sections)
        space = Segment(" ", self._part("gap"))
        segments = [segment for cell in self._lines[row] for segment in painted(cell, use, self._part, labels)]
        return Strip([space, *segments, space]).adjust_cell_length(width, self._part("gap"))

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(f"form--{name}")

    def on_resize(self) -> None:
        self._arrange()
        self._reveal()

    def on_focus(self) -> None:
        self._arrange()
        self._reveal()
        self.post_message(self.Moved())

    def on_blur(self) -> None:
        self._arrange()
        self.post_message(self.Moved())

    # Keys

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return self.field is not None and character is not None and character.isprintable()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter does what the stop in use is for."""
        if action == "choose":
            return self.field is not None and self.field.choices is not None
        if action == "press":
            return bool(self.stops) and self.field is None
        return True

    def on_key(self, event: Key) -> None:
        if self._moves(event.key) or self._copies(event.key) or self._edits(event.key, event.character):
            event.stop()
            event.prevent_default()

    def on_paste(self, event: Paste) -> None:
        event.stop()
        self._insert(event.text)

    def _moves(self, key: str) -> bool:
        if key in _STEPS:
            self.action_step(_STEPS[key], leave="tab" in key)
        elif key in ("pagedown", "pageup"):
            self.scroll_page_down(animate=False) if key == "pagedown" else self.scroll_page_up(animate=False)
        else:
            return False
        return True

    def action_step(self, by: int, leave: bool = False) -> None:
        """Goes on to another stop; with `leave`, out of the list at its ends."""
        if 0 <= self.active + by < len(self.stops):
            self.go(self.active + by)
        elif leave:
            self.screen.focus_next() if by > 0 else self.screen.focus_previous()

    def _copies(self, key: str) -> bool:
        if key == "ctrl+v":
            self._insert(self.app.clipboard)
        elif key in ("ctrl+c", "super+c", "ctrl+x") and self.editor.selected:
            self.app.copy_to_clipboard(self.editor.selected)
            if key == "ctrl+x":
                self._edits("delete", None)
        else:
            return False
        return True

    def _insert(self, text: str) -> None:
        """What is pasted, on one line."""
        if self.field is not None:
            self.editor.insert(" ".join(plain(text, longest=1 << 20).split("\n")))
            self._typed()

    def _edits(self, key: str, character: str | None) -> bool:
        if self.field is None:
            return self._presses(key)
        before = self.editor.text
        if not self.editor.press(key, character):
            return False
        if self.editor.text != before:
            self._typed()
        else:
            self._repaint()
        return True

    def _presses(self, key: str) -> bool:
        if key == "space":
            self.action_press()
        return key == "space"

    def action_press(self) -> None:
        """Does what the button in use says."""
        self.post_message(self.Pressed(self.stops[self.active].button))

    def _typed(self) -> None:
        """Takes what the field in use now says into the draft."""
        field = self.field
        if field is None or self._draft is None:
            return
        if self._texts.type(field, self.editor.text):
            follow(self._draft, field.key)
            self._renew()
            self.post_message(self.Changed())
        self._arrange()
        self._reveal()

    def set_text(self, text: str) -> None:
        """Puts a text in the field in use, as though it were typed."""
        self.editor = LineEditor.at_end(text)
        self._typed()

    # Choosing

    def action_choose(self) -> None:
        """Lists what the field in use can be."""
        field = self.field
        if field is None or field.choices is None:
            return
        if field.many:
            names = [str(name) for name in read("names", self.editor.text) or []]
            self.app.push_screen(Tick(field.label, field.choices(), names), self._ticked)
        else:
            self.app.push_screen(Pick(field.label, field.choices(), self.editor.text), self._picked)

    def _picked(self, name: str | None) -> None:
        if name is not None:
            self.set_text(name)

    def _ticked(self, names: list[str] | None) -> None:
        """Names typed by hand that no list offers stay, after those that were ticked."""
        field = self.field
        if names is None or field is None or field.choices is None:
            return
        listed = {name for name, _ in field.choices()}
        typed = read("names", self.editor.text) or []
        self.set_text(show("names", [*names, *(name for name in typed if name not in listed)]))

    # The mouse

    def on_click(self, event: Click) -> None:
        """Uses what was clicked: a field with the caret where the mouse was, or a button."""
        place = event.get_content_offset(self)
        row = (place.y + self.scroll_offset.y) if place else -1
        if place is None or not 0 <= row < len(self._lines):
            return
        x = place.x - 1
        for cell in self._lines[row]:
            if 0 <= x < cell.width and cell.stop >= 0:
                self._clicked(cell, x)
                return
            x -= cell.width

    def _clicked(self, cell: Cell, x: int) -> None:
        if cell.stop != self.active:
            self.go(cell.stop)
        if cell.kind == "button":
            self.action_press()
        start = label_width(self.sections) + 2
        if cell.kind == "field" and x >= start:
            begin, _ = window(self.editor, cell.width - start)
            self.editor.anchor, self.editor.caret = None, min(begin + x - start, len(self.editor.text))
            self._repaint()
