"""Characters that act on a terminal made visible, and cells that a spreadsheet would compute made plain text."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_FORMULA = tuple("=+-@＝＋－＠")  # a spreadsheet reads the wide forms alike


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


def csv_cell(value: Any) -> Any:
    """A value as a cell of a CSV file; numbers stay as they are.

    In a text, what would act on a terminal is made visible, tabs and newlines too, and an apostrophe stands before what
    a spreadsheet would take for a formula.
    """
    if not isinstance(value, str):
        return value
    text = "".join(map(visible, value))
    return f"'{text}" if value.strip().startswith(_FORMULA) and not _is_number(value) else text


def utf8(value: Any) -> Any:
    """A text without the half characters (lone surrogates) that UTF-8 cannot hold; all else as it is."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
