"""The form: a profile as fields under headings, one line a field, with a hint for the field that has the focus."""

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import DescendantFocus
from textual.message import Message
from textual.widgets import Button, Static

from app.console.design.damage_fields import follow
from app.console.design.draft import Draft
from app.console.design.field import Section
from app.console.design.field_row import FieldRow
from app.console.design.fields import sections
from app.safe import line

_KINDS = {"damage": "damage", "measure": "measurement"}


class SectionView(Vertical):
    """A heading, its fields, and for a damage or a measurement the buttons that add and remove."""

    def __init__(self, section: Section, draft: Draft) -> None:
        super().__init__()
        self.section = section
        self._draft = draft
        self._heading = Static(section.title, classes="heading", markup=False)
        self._rows = Vertical(*(FieldRow(field, draft.get(field.key)) for field in section.fields), classes="rows")

    def compose(self) -> ComposeResult:
        yield self._heading
        yield self._rows
        if self.section.kind:
            what = _KINDS[self.section.kind]
            with Horizontal(classes="actions"):
                others = len(self._draft.tables(self.section.kind)) - 1
                if self.section.index == others:
                    yield Button(f"+ {what}", compact=True, classes="stop add")
                if others:
                    yield Button("− remove this", compact=True, classes="stop remove")

    async def renew(self, section: Section) -> None:
        """Goes over to the fields that the draft now calls for; a field that stays keeps its text and the focus."""
        self.section = section
        self._heading.update(section.title)
        rows = {row.field.key: row for row in self.query(FieldRow)}
        keys = {field.key for field in section.fields}
        for key in rows.keys() - keys:
            await rows.pop(key).remove()
        before: FieldRow | None = None
        for field in section.fields:
            if field.key in rows:
                rows[field.key].field = field
            else:
                rows[field.key] = FieldRow(field, self._draft.get(field.key))
                await self._rows.mount(rows[field.key], after=before)
            before = rows[field.key]


_Part = TypeVar("_Part", FieldRow, SectionView)


class Fields(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls the sections. Up and down go from field to field, where a plain scroll would move the page."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "step(1)", show=False),
        Binding("up", "step(-1)", show=False),
        Binding("pagedown", "page_down", show=False),
        Binding("pageup", "page_up", show=False),
    ]

    def action_step(self, step: int) -> None:
        """Goes to the next or the previous field."""
        if step > 0:
            self.screen.focus_next("#form .stop")
        else:
            self.screen.focus_previous("#form .stop")


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
        self._fields = Fields()
        self._foot = Static("", classes="hint", markup=False)

    def compose(self) -> ComposeResult:
        yield self._fields
        yield self._foot

    async def edit(self, draft: Draft | None) -> None:
        """Shows a draft; None empties the form."""
        self._draft = draft
        self._foot.update("")
        async with self.batch():
            await self._fields.remove_children()
            if draft is not None:
                await self._fields.mount(*(SectionView(section, draft) for section in sections(draft)))
        self._fields.scroll_home(animate=False)

    def show_faults(self, faults: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
        """Shows each (key, sentence) beneath the field it is about and clears the others.

        Returns the places of the fields that are wrong ("Damage 1: levels") and the sentences that are about no field.
        """
        wrong: dict[FieldRow, str] = {}
        homeless: list[str] = []
        for key, sentence in faults:
            row = next((row for row in self.query(FieldRow) if _about(row, key)), None)
            if row is None:
                homeless.append(f"{key}: {sentence}" if key else sentence)
            else:
                wrong.setdefault(row, sentence)
        for row in self.query(FieldRow):
            row.fault(wrong.get(row))
        self.call_after_refresh(self._reveal)
        return [_place(row) for row in wrong], homeless

    def focus_first(self) -> None:
        """Puts the focus on the field that is wrong, else on the first one."""
        wrong = self.query("FieldRow.-wrong Input")
        for stop in wrong or self.query(".stop"):
            stop.focus()
            return

    @on(FieldRow.Edited)
    async def _edited(self, event: FieldRow.Edited) -> None:
        event.stop()
        if self._draft is None:
            return
        self._draft.set(event.key, event.value)
        follow(self._draft, event.key)
        for view, section in zip(self.query(SectionView), sections(self._draft), strict=True):
            await view.renew(section)
        self._hint()
        self.post_message(self.Changed())

    @on(DescendantFocus)
    def _entered(self) -> None:
        active = self._focused(FieldRow)
        for row in self.query("FieldRow.-active"):
            row.remove_class("-active")
        if active is not None:
            active.add_class("-active")
        self._hint()
        self._reveal()

    def _hint(self) -> None:
        row = self._focused(FieldRow)
        self._foot.update(line(row.field.hint) if row else "", layout=False)

    def _reveal(self) -> None:
        """Brings the field that has the focus into view with what is written beneath it."""
        row = self._focused(FieldRow)
        if row is not None:
            row.scroll_visible(animate=False)

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        await (self.action_add() if event.button.has_class("add") else self.action_remove())

    async def action_add(self) -> None:
        """Adds a measurement where the focus is on one, else a damage, and goes there."""
        view = self._focused(SectionView)
        if self._draft is not None:
            kind = view.section.kind if view and view.section.kind else "damage"
            await self._rebuilt(kind, self._draft.add(kind))

    async def action_remove(self) -> None:
        """Takes away the damage or the measurement where the focus is; the last one stays."""
        view = self._focused(SectionView)
        if self._draft is None or view is None or not view.section.kind:
            self.notify("Go to the damage or the measurement to remove first.", timeout=4)
        elif len(self._draft.tables(view.section.kind)) < 2:
            self.notify(f"A profile needs at least one {_KINDS[view.section.kind]}.", timeout=4)
        else:
            self._draft.remove(view.section.kind, view.section.index)
            await self._rebuilt(view.section.kind, max(0, view.section.index - 1))

    async def _rebuilt(self, kind: str, index: int) -> None:
        await self.edit(self._draft)
        for view in self.query(SectionView):
            if (view.section.kind, view.section.index) == (kind, index):
                view.query(".stop").first().focus()
        self.post_message(self.Changed())

    def _focused(self, kind: type[_Part]) -> _Part | None:
        focused = self.screen.focused
        return next((node for node in focused.ancestors if isinstance(node, kind)), None) if focused else None


def _about(row: FieldRow, key: str) -> bool:
    """Whether a fault at `key` belongs beneath this field: the key itself, or a part of its value."""
    return key == row.field.key or key.startswith(row.field.key + ".")


def _place(row: FieldRow) -> str:
    view = next(node for node in row.ancestors if isinstance(node, SectionView))
    return f"{view.section.title.partition(':')[0]}: {row.field.label}"
