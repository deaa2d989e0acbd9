"""Text from a broken model, made safe to show: literal, one cell where a character would act instead of print.

A damaged model writes escape codes, brackets, NULs, right-to-left overrides and lone surrogates. Printed as they are
they would move the cursor, recolour the screen, reorder a line or crash the terminal's encoder. Here every such
character becomes something visible, and nothing is read as markup.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.style import Style
from rich.text import Text

TAB = "    "
LONGEST = 8_000  # characters of one text that are laid out; more than a full screen at any size
STACKED = 2  # combining marks on one letter; more would climb over the lines above
UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
MARKED = Style(color="#d7875f", dim=True)


@lru_cache(maxsize=4096)
def visible(character: str) -> str:
    """The character itself where it prints; a picture (`␛`) or its number (`‹U+202E›`) where it would act."""
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if unicodedata.category(character) in UNPRINTABLE or 0xFE00 <= code <= 0xFE0F:
        return f"‹U+{code:04X}›"
    return character


def plain(text: str, *, longest: int = LONGEST) -> str:
    """`text` with every acting character made visible; newlines stay, tabs become spaces, the tail is cut and counted.

    Args:
        text: any string, lone surrogates included.
        longest: characters kept; the number left out is said at the end.
    """
    return "".join(piece for piece, _ in _pieces(text, longest))


def line(text: object, *, longest: int = 400) -> str:
    """`text` on a single line: as `plain`, with a newline shown as `␊`."""
    return plain(str(text), longest=longest).replace("\n", "␊")


def styled(text: str, *, longest: int = LONGEST, style: str | Style = "") -> Text:
    """`plain(text)` as a Rich text that wraps anywhere and sets the made-visible characters apart by colour."""
    shown = Text(style=style, overflow="fold", no_wrap=False)
    for piece, marked in _pieces(text, longest):
        shown.append(piece, MARKED if marked else None)
    return shown


def _pieces(text: str, longest: int) -> list[tuple[str, bool]]:
    """Stretches of the shown text, each with whether it stands for something that does not print."""
    pieces: list[tuple[str, bool]] = []
    marks = STACKED  # a mark with no letter before it
    for character in text[:longest].replace("\r\n", "\n"):
        if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
            marks += 1
            shown = visible(character) if marks <= STACKED else f"◌{visible(character)}"
        else:
            marks = STACKED if character == "\n" else 0
            shown = {"\n": "\n", "\t": TAB}.get(character) or visible(character)
        _add(pieces, shown, shown != character and character != "\t")
    if len(text) > longest:
        _add(pieces, f" … {len(text) - longest:,} more characters", True)
    return pieces


def _add(pieces: list[tuple[str, bool]], shown: str, marked: bool) -> None:
    if pieces and pieces[-1][1] == marked:
        pieces[-1] = (pieces[-1][0] + shown, marked)
    else:
        pieces.append((shown, marked))
