"""What is done to every line before it reaches the terminal: no colour where none is wanted, ASCII where nothing else
shows."""

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_LIT = 0.25
"""Brightness from which a background is that of a cursor or a mark, to be shown in reverse."""
_FULL = 0.9
"""Brightness below which letters are shown dim."""

_LOOKS = {
    character: look
    for characters, looks in (
        ("╭╮╰╯┌┐└┘├┤┬┴┼", "+" * 13),
        ("─━╌═╺╸▔▀", "--------"),
        ("│┃╎║▏▕▌▐", "||||||||"),
        ("▁▂▃▄▅▆▇█", ".,:-=+*#"),
        ("░▒▓", ".:#"),
        ("↑↓←→⏎▲▼▾▸▶", "^v<>=^vv>>"),
        ("●◐◆◇○■□✓✗×•·…", "*oooo##+xx*.~"),
        ("−–—‹›’‘“”«»", "---<>''\"\"<>"),
        ("σπΣΔλμµ±≥≤≈∞°²³⁴₂", "spSDluu+><~8o2342"),
    )
    for character, look in zip(characters, looks, strict=True)
}


class Colourless(LineFilter):
    """Keeps letters bold, dim and in reverse, and gives every colour up."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(text, _plain(style) if style else None, control) for text, style, control in segments]


class Ascii(LineFilter):
    """Puts in the place of every character that is not ASCII one that looks or reads like it, as wide as it is."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.text.isascii() else Segment(ascii_text(segment.text), segment.style, segment.control)
            for segment in segments
        ]


def ascii_text(text: str) -> str:
    """A text in ASCII that takes as many cells."""
    return "".join(map(_look, text))


@lru_cache(4096)
def _look(character: str) -> str:
    if character.isascii():
        return character
    code, width = ord(character), cell_len(character)
    if 0x2800 <= code <= 0x28FF:  # braille, of which lines are made
        return " " if code == 0x2800 else "." if (code & 0xFF).bit_count() < 4 else ":"
    if 0x2580 <= code <= 0x259F or 0x1FB00 <= code <= 0x1FBFF:  # blocks
        return _LOOKS.get(character, ":")
    plain = "".join(part for part in unicodedata.normalize("NFKD", character) if part.isascii())
    look = _LOOKS.get(character, plain)
    return look if len(look) == width else "?" * width


@lru_cache(4096)
def _plain(style: Style) -> Style:
    lit = style.bgcolor is not None and _brightness(style.bgcolor) > _LIT
    faint = style.color is not None and not lit and _brightness(style.color) < _FULL
    return Style(
        bold=style.bold,
        dim=style.dim or faint or None,
        italic=style.italic,
        underline=style.underline,
        reverse=(lit != bool(style.reverse)) or None,
        strike=style.strike,
        link=style.link,
    ) + Style.from_meta(style.meta)


def _brightness(colour: RichColor) -> float:
    red, green, blue = colour.get_truecolor()
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255
