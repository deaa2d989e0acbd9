"""Text that Lesion did not write, made safe to show: literal, one cell where a character would act instead of print.

Names, errors, files and the texts of a damaged model hold escape codes, NULs, right-to-left overrides and lone
surrogates. Printed as they are they would move the cursor, recolour the screen, reorder a line or crash the terminal's
encoder. Here every such character becomes something visible.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.harmless import utf8 as utf8
from engine.harmless import visible

if TYPE_CHECKING:
    from rich.style import Style
    from rich.text import Text

TAB = "    "
LONGEST = 8_000  # characters of one text that are laid out; more than a full screen at any size
MARKED = "dim #d7875f"  # the style of what was made visible, where there are styles
STACKED = 2  # combining marks on one letter; more would climb over the lines above

_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


def plain(text: str, *, longest: int = LONGEST) -> str:
    """`text` with every acting character made visible; newlines stay, tabs become spaces, the tail is cut and counted.

    Args:
        text: any string, lone surrogates included.
        longest: characters kept; the number left out is said at the end.
    """
    if len(text) <= longest and text.isascii() and text.isprintable():
        return text
    return "".join(piece for piece, _ in pieces(text, longest))


def line(text: object, *, longest: int = 400) -> str:
    """`text` on a single line: as `plain`, with a newline shown as `␊`."""
    return plain(str(text), longest=longest).replace("\n", "␊")


def styled(text: str, *, longest: int = LONGEST, style: str | Style = "") -> Text:
    """`plain(text)` as a Rich text that wraps anywhere and sets the made-visible characters apart by colour."""
    from rich.text import Text

    shown = Text(style=style, overflow="fold", no_wrap=False)
    for piece, marked in pieces(text, longest):
        shown.append(piece, MARKED if marked else None)
    return shown


def coloured(drawing: str) -> str:
    """A drawing of ours, lines of any length: colours stay, all else is made visible as in `plain`."""
    parts = _COLOUR.split(drawing)
    return "".join(part if place % 2 else plain(part, longest=len(part)) for place, part in enumerate(parts))


def cut(text: str, columns: int) -> str:
    """As much of one line as fits into so many columns of a terminal; wide characters take two."""
    if len(text) <= columns and text.isascii():
        return text
    room = columns
    for place, character in enumerate(text):
        room -= _columns(character)
        if room < 0:
            return text[:place]
    return text


def width(text: str) -> int:
    """Columns that one line takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def json_text(value: Any, *, ascii_only: bool = False, indent: int | None = None) -> str:
    """One JSON document, which reads back as `value`: what would act on a terminal is escaped.

    A number that is not finite becomes a string, a path its text.
    """
    text = json.dumps(_jsonable(value), ensure_ascii=ascii_only, allow_nan=False, indent=indent)
    return "".join(character if _prints(character) else _escaped(character) for character in text)


def pieces(text: str, longest: int) -> list[tuple[str, bool]]:
    """Stretches of the shown text, each with whether it stands for something that does not print."""
    stretches: list[tuple[str, bool]] = []
    marks = STACKED  # a mark with no letter before it
    for character in text[:longest].replace("\r\n", "\n"):
        if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
            marks += 1
            shown = visible(character) if marks <= STACKED else f"◌{visible(character)}"
        else:
            marks = STACKED if character == "\n" else 0
            shown = {"\n": "\n", "\t": TAB}.get(character) or visible(character)
        _add(stretches, shown, shown != character and character != "\t")
    if len(text) > longest:
        _add(stretches, f" … {len(text) - longest:,} more characters", True)
    return stretches


def _add(stretches: list[tuple[str, bool]], shown: str, marked: bool) -> None:
    if stretches and stretches[-1][1] == marked:
        stretches[-1] = (stretches[-1][0] + shown, marked)
    else:
        stretches.append((shown, marked))


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _jsonable(value: Any) -> Any:
    from engine.record.kinds import word  # a room: help does without

    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return [_jsonable(item) for item in value]
    return str(value) if isinstance(value, Path) else word(value)


def _prints(character: str) -> bool:
    return character == "\n" or visible(character) == character


def _escaped(character: str) -> str:
    """A character of a JSON string by number, those beyond U+FFFF as a pair."""
    return json.dumps(character)[1:-1] if ord(character) != 0x7F else "\\u007f"
