"""The form as lines of a terminal: which line shows what, for a width. Nothing here draws or knows of a screen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from rich.cells import cell_len, set_cell_size

from app.console.design.field import Field, Section

NARROWEST, WIDEST_LABEL = 12, 16
"""Cells of the column of labels, at least and at most."""
_TWO_COLUMNS = 92
"""Cells from which a section has its fields in two columns."""
_GUTTER = 2
_WHOLE = 6
"""Lines in which a value is shown whole that is longer than its field."""

KINDS = {"damage": "damage", "measure": "measurement"}
"""What the tables that can be added and removed are called."""


@dataclass(frozen=True)
class Stop:
    """A place where the focus can be: a field, or a button that adds or removes."""

    section: int
    field: Field | None = None
    button: Literal["", "add", "remove"] = ""


@dataclass(frozen=True)
class Cell:
    """What one line shows in one column of the form."""

    kind: Literal["heading", "field", "error", "whole", "button", "gap"]
    width: int
    text: str = ""
    stop: int = -1
    """The number of the stop it belongs to."""
    label: str = ""
    default: str = ""
    wrong: bool = False


Line = tuple[Cell, ...]


@dataclass(frozen=True)
class Shown:
    """What lines are made of: texts and sentences about mistakes by the key of their field, and the stop in use."""

    texts: Mapping[str, str]
    faults: Mapping[str, str]
    active: int


def stops(sections: Sequence[Section]) -> list[Stop]:
    """Every stop, in the order of the keys that go from one to the next."""
    found: list[Stop] = []
    for number, section in enumerate(sections):
        found += [Stop(number, field) for field in section.fields]
        same = [other for other in sections if other.kind == section.kind]
        if section.kind and section is same[-1]:
            found.append(Stop(number, button="add"))
        if section.kind and len(same) > 1:
            found.append(Stop(number, button="remove"))
    return found


def lines(sections: Sequence[Section], stopped: Sequence[Stop], shown: Shown, width: int) -> list[Line]:
    """The form's lines, all of them `width` cells wide."""
    columns = 2 if width >= _TWO_COLUMNS else 1
    room = (width - _GUTTER * (columns - 1)) // columns
    labels = label_width(sections)
    made: list[Line] = []
    for number, section in enumerate(sections):
        made.append((Cell("heading", width, section.title),))
        mine = [place for place, stop in enumerate(stopped) if stop.section == number]
        fields = [place for place in mine if stopped[place].field]
        half = -(-len(fields) // columns)
        parts = [
            list(_column(stopped, fields[at : at + half], shown, room, labels)) for at in range(0, len(fields), half)
        ]
        made += _beside(parts, room)
        made += [
            (Cell("gap", labels + 2), *(_button(stopped[place], section, place) for place in places))
            for places in [[place for place in mine if stopped[place].button]]
            if places
        ]
        made.append((Cell("gap", width),))
    return made


def label_width(sections: Iterable[Section]) -> int:
    """Cells of the column of labels."""
    longest = max((cell_len(field.label) for section in sections for field in section.fields), default=0)
    return min(max(longest, NARROWEST), WIDEST_LABEL)


def clipped(text: str, columns: int) -> str:
    """The beginning of a text that fits, with an ellipsis where the rest is left out, filled up with spaces."""
    text = text[: columns + 1]
    if cell_len(text) <= columns:
        return set_cell_size(text, columns)
    return set_cell_size(text, max(columns - 1, 0)) + "…"


def folded(text: str, columns: int) -> list[str]:
    """A text in lines of so many cells, broken between words where one word is no longer than a line."""
    made = [""]
    for word in text.split(" "):
        joined = f"{made[-1]} {word}" if made[-1] else word
        if cell_len(joined) <= columns:
            made[-1] = joined
            continue
        if made[-1]:
            made.append("")
        for character in word:
            if cell_len(made[-1]) + cell_len(character) > columns:
                made.append("")
            made[-1] += character
    return made


def _column(stopped: Sequence[Stop], places: Sequence[int], shown: Shown, room: int, labels: int) -> Iterator[Cell]:
    """Fields below one another, each with what is wrong with it, or with its whole value while it is being typed."""
    below = max(room - labels - 2, 8)
    for place in places:
        field = stopped[place].field
        assert field is not None
        text, fault = shown.texts[field.key], shown.faults.get(field.key)
        label = clipped(field.label, labels) + (" ▾" if field.choices else "  ")
        yield Cell("field", room, text, place, label, field.default, fault is not None)
        for part in folded(fault, below) if fault else ():
            yield Cell("error", room, part, place)
        if place == shown.active and cell_len(text) > below - 1:
            whole = folded(text[: below * (_WHOLE + 1)], below)
            whole[_WHOLE - 1 :] = [f"… {len(text):,} characters"] if len(whole) > _WHOLE else whole[_WHOLE - 1 :]
            yield from (Cell("whole", room, part, place) for part in whole)


def _beside(parts: Sequence[Sequence[Cell]], room: int) -> Iterator[Line]:
    for row in zip_longest(*parts):
        cells: list[Cell] = []
        for cell in row:
            cells += [Cell("gap", _GUTTER)] * bool(cells) + [cell or Cell("gap", room)]
        yield tuple(cells)


def _button(stop: Stop, section: Section, place: int) -> Cell:
    text = f" + {KINDS[section.kind]} " if stop.button == "add" else " − remove this "
    return Cell("button", len(text) + 1, text, place)
