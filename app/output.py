"""Everything the commands write: data on stdout, talk on stderr, all of it harmless to a terminal.

A stream that lacks a character gets a plain form of it, one that was closed swallows what it is given. Talk that cannot
be written is given up; data that cannot be written is an UnwrittenError.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from app import safe

LONGEST = 100_000  # characters of one line
CELL = 200  # characters of one cell of a table

_NUMBER = re.compile(r"-|[\d.,/]*( [a-zA-Z]+)?( \d+ [a-z]+)?")
_PLAIN_FORM = "lesion-plain-form"
_FORMS = dict(zip("┌┐└┘├┤┬┴┼─━│‖█░·●◆■▲○◇□△×‹›−–—²⁴₂’", "+++++++++--||#.-*#@Ao%0^x<>---242'", strict=True))
_FORMS |= {"…": "...", "σ": "sigma", "π": "pi", "Σ": "sum", "±": "+-", "≥": ">=", "≤": "<=", "→": "->", "␡": "^?"}


class UnwrittenError(OSError):
    """Stdout cannot be written."""


class _Stdout(io.FileIO):
    """The file that stdout is, with an error of its own."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content)
        except OSError as error:
            raise UnwrittenError(error.errno, error.strerror) from error


def prepare() -> None:
    """Make the three standard streams usable, whatever they are; called once, before anything is written."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    codecs.register_error(_PLAIN_FORM, _plain_form)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Stdout(1, "w", closefd=False)),
        encoding=sys.stdout.encoding,
        errors=_PLAIN_FORM,
        line_buffering=sys.stdout.isatty(),
    )
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors=_PLAIN_FORM)


def show(text: str = "") -> None:
    """A line of data on stdout."""
    print(safe.line(text, longest=LONGEST))


def show_chart(drawing: str) -> None:
    """A drawing of ours on stdout, colours and all, with an empty line after it."""
    print(safe.coloured(drawing), end="\n\n")


def show_json(value: Any, *, indent: int | None = None) -> None:
    """One JSON document on stdout, on one line or indented; a number that is not finite becomes a string."""
    print(safe.json_text(value, ascii_only=not _is_unicode(sys.stdout), indent=indent))


def show_bytes(content: bytes) -> None:
    """The bytes of a file on stdout."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)


def show_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns on stdout, as wide as their widest cell; a column of numbers is aligned right."""
    cells = [[_fitting(safe.line(cell, longest=CELL), sys.stdout) for cell in row] for row in (headings, *rows)]
    widths = [max(map(safe.width, column)) for column in zip(*cells, strict=True)]
    right = [bool(rows) and all(_NUMBER.fullmatch(row[column]) for row in rows) for column in range(len(headings))]
    for row in cells:
        spaces = (" " * (wide - safe.width(cell)) for cell, wide in zip(row, widths, strict=True))
        aligned = (gap + cell if r else cell + gap for cell, gap, r in zip(row, spaces, right, strict=True))
        print("  ".join(aligned).rstrip())


def say(text: str) -> None:
    """A line of talk to the user, on stderr."""
    write(sys.stderr, safe.line(text, longest=LONGEST) + "\n")


def write(stream: TextIO, text: str) -> None:
    """Talk that is harmless already, at once; a stream that fails is silent from there on."""
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        hush(stream)


def hush(stream: TextIO) -> None:
    """Send what is still to be written nowhere, or the interpreter would complain when it closes the stream."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def _is_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")


def _fitting(text: str, stream: TextIO) -> str:
    """The text as the stream will show it."""
    if _is_unicode(stream):
        return text
    encoding = stream.encoding or "ascii"
    return text.encode(encoding, errors=_PLAIN_FORM).decode(encoding)


def _plain_form(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: our own signs in ASCII, other characters by their number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_form, error.object[error.start : error.end])), error.end


def _form(character: str) -> str:
    code = ord(character)
    if 0x2800 <= code <= 0x28FF:  # braille, of which lines are made
        return "." if code > 0x2800 else " "
    if 0x2400 <= code < 0x2420:  # pictures of control characters
        return f"^{chr(code - 0x2400 + 0x40)}"
    return _FORMS.get(character) or character.encode("ascii", errors="backslashreplace").decode()
