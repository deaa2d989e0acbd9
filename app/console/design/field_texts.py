"""What the fields of a draft say: text as typed while it still stands for the draft's value, else the value."""

from app.console.design.draft import Draft
from app.console.design.field import Field
from app.console.design.fieldtext import read, show
from app.safe import line

_LONGEST = 100_000
"""Characters of a value in its field: an edit that began with less of them would lose the rest."""


class FieldTexts:
    """Reads and changes the values of one draft by the texts of fields."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._typed: dict[str, str] = {}

    def text(self, field: Field) -> str:
        """What the field says now, on one line."""
        value = self._draft.get(field.key)
        typed = self._typed.get(field.key)
        if typed is not None and read(field.kind, typed) == value:
            return typed
        return line(show(field.kind, value), longest=_LONGEST)

    def type(self, field: Field, text: str) -> bool:
        """Takes a text for the field; whether that changed the draft's value."""
        before = self._draft.get(field.key)
        value = read(field.kind, text)
        self._typed[field.key] = text
        if value == before and type(value) is type(before):
            return False
        self._draft.set(field.key, value)
        return True
