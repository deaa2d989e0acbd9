"""Paints a cell of the form as styled segments."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from app.console.design.form_lines import Cell, clipped
from app.console.design.line_editor import LineEditor

Styles = Callable[[str], Style]
"""The style of a part of the form by its name: "label", "caret", …"""


@dataclass(frozen=True)
class Use:
    """The stop in use: its number, what is typed there where it is a field, and whether the form has the focus."""

    stop: int
    editor: LineEditor
    focused: bool


def painted(cell: Cell, use: Use, styles: Styles, labels: int) -> Iterator[Segment]:
    """The segments of a cell, which fill its width."""
    mine = cell.stop == use.stop and use.focused
    if cell.kind == "field":
        kind = "label-wrong" if cell.wrong else "label-active" if mine else "label"
        yield Segment(cell.label, styles(kind))
        room = cell.width - cell_len(cell.label)
        yield from _typed(use.editor, room, styles) if mine else _still(cell, room, styles)
    elif cell.kind in ("error", "whole"):
        indent = labels + 2
        yield Segment(" " * indent, styles("gap"))
        yield Segment(clipped(cell.text, cell.width - indent), styles(cell.kind))
    elif cell.kind == "button":
        yield Segment(cell.text, styles("button-active" if mine else "button"))
        yield Segment(" " * (cell.width - cell_len(cell.text)), styles("gap"))
    else:
        yield Segment(clipped(cell.text, cell.width), styles(cell.kind))


def _still(cell: Cell, room: int, styles: Styles) -> Iterator[Segment]:
    if cell.text:
        yield Segment(clipped(cell.text, room), styles("field"))
    else:
        yield Segment(clipped(cell.default, room), styles("default"))


def _typed(editor: LineEditor, room: int, styles: Styles) -> Iterator[Segment]:
    """The part of the text around the caret, with an ellipsis at each end where more of it lies."""
    begin, end = window(editor, room)
    text, (left, right) = editor.text, editor.selection
    used = 0
    for place in range(begin, end + 1):
        character = text[place] if place < len(text) else " "
        cut = (place == begin and begin > 0) or (place == end and end < len(text))
        shown = "…" if cut else character
        kind = "caret" if place == editor.caret else "selection" if left <= place < right else "field-active"
        if place < len(text) or place == editor.caret:
            used += cell_len(shown)
            yield Segment(shown, styles(kind))
    yield Segment(" " * (room - used), styles("field-active"))


def window(editor: LineEditor, room: int) -> tuple[int, int]:
    """(first, last) place of what is shown in so many cells; the place after the text is where the caret may stand."""
    text = f"{editor.text} "
    if cell_len(editor.text) < room:
        return 0, len(editor.text)
    begin = end = editor.caret
    used = cell_len(text[begin])
    ahead = room // 4
    while True:
        before = cell_len(text[begin - 1]) if begin > 0 else room + 1
        after = cell_len(text[end + 1]) if end + 1 < len(text) else room + 1
        if used + min(before, after) > room:
            return begin, end
        if after <= before and (end - editor.caret < ahead or before > room) and used + after <= room:
            end, used = end + 1, used + after
        elif used + before <= room:
            begin, used = begin - 1, used + before
        else:
            end, used = end + 1, used + after
