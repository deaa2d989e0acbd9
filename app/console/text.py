"""Text from a broken model as Rich text: literal, nothing read as markup, made-visible characters set apart."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from app.safe import LONGEST, pieces

MARKED = Style(color="#d7875f", dim=True)


def styled(text: str, *, longest: int = LONGEST, style: str | Style = "") -> Text:
    """`plain(text)` as a Rich text that wraps anywhere and sets the made-visible characters apart by colour."""
    shown = Text(style=style, overflow="fold", no_wrap=False)
    for piece, marked in pieces(text, longest):
        shown.append(piece, MARKED if marked else None)
    return shown
