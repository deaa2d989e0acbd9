"""TOML within bounds: a file of any size or depth is either read in moments or refused with a sentence."""

import re
import tomllib
from pathlib import Path
from typing import Any

from engine import files
from engine.errors import shortened

LARGEST_FILE = 16_000_000
"""Bytes of a profile."""
DEEPEST = 50
"""Tables or lists within one another, and parts of a dotted key."""
LONGEST_LIST = 100_000
"""Values in one list."""
_LONGEST_NUMBER = 14_000
"""Bits of a whole number: of about as many digits as Python shows."""

_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5}|\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]|\\.)*+"?'
    r"|'[^'\n]*+'?"
    r"|\#[^\n]*+"
    r"|[\[\]{}.=,\n]",
    re.DOTALL,
)
"""What decides how deep a text goes: strings and comments, as wholes to be passed over, and marks."""


class TooMuchError(ValueError):
    """A text goes too deep, or on for too long."""


def text_of(path: Path) -> str:
    """The text of a file, without the byte order mark that some editors put before it.

    Raises OSError where it is no file or cannot be read, and ValueError, with a sentence that follows the file's name,
    where it is too large or not UTF-8.
    """
    content = files.read_named(path, LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise ValueError(f"this file is larger than {LARGEST_FILE // 10**6} MB, the most that a profile may have")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise ValueError("this is not a text file in UTF-8") from None


def loads(text: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises ValueError, with a sentence, where it is not TOML or has a whole number of thousands of digits, which Python
    cannot show, and TooMuchError where it goes more than `DEEPEST` deep or has a list of more than `LONGEST_LIST`
    values.
    """
    _check_marks(text)
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, or a number of thousands of digits
        raise ValueError(f"this is not TOML: {error}") from None
    _check_shape(data)
    return data


def _check_marks(text: str) -> None:
    """Raises TooMuchError where brackets or the parts of a key go too deep, before a parser that recurses sees them."""
    brackets = dots = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark == ".":
            dots += 1
        elif mark in "[{":
            brackets, dots = brackets + 1, 0
        elif mark in "]}":
            brackets, dots = max(0, brackets - 1), 0
        elif mark in "=,\n":
            dots = 0
        if brackets > DEEPEST or dots >= DEEPEST:
            what, line = "brackets" if brackets > DEEPEST else "parts of a key", text.count("\n", 0, token.start()) + 1
            raise TooMuchError(f"line {line} has too many {what} within one another: {DEEPEST} are accepted")


def _check_shape(data: dict[str, Any]) -> None:
    """Raises TooMuchError where tables and lists go too deep, as dotted keys within brackets may, or a list is too
    long, and ValueError for a whole number that is too long."""
    layer: list[tuple[str, Any]] = [("", data)]
    for _ in range(DEEPEST + 1):
        below: list[tuple[str, Any]] = []
        for key, value in layer:
            if isinstance(value, list) and len(value) > LONGEST_LIST:
                count = f"{len(value):,} values, and {LONGEST_LIST:,} are the most"
                raise TooMuchError(f"the list {shortened(key)} has {count}")
            for name, one in value.items() if isinstance(value, dict) else enumerate(value):
                inner = f"{key}.{name}" if key else str(name)
                if isinstance(one, dict | list):
                    below.append((inner, one))
                elif isinstance(one, int) and one.bit_length() > _LONGEST_NUMBER:
                    raise ValueError(f"this is not TOML: the whole number {shortened(inner)} goes on and on")
        if not below:
            return
        layer = below
    raise TooMuchError(
        f"there are too many tables within one another at {shortened(layer[0][0])}: {DEEPEST} are accepted"
    )
