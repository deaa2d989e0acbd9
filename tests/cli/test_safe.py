"""Text of broken models, shown literally."""

import unicodedata

import pytest

from app.safe import LONGEST, line, plain, styled
from tests.console.journals import NASTY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x07\x00\x7f", "␛[31mred␇␀␡"),
        ("[bold]x[/]", "[bold]x[/]"),
        ("\x9b2J", "‹U+009B›2J"),
        ("\u202eabc\u200b", "‹U+202E›abc‹U+200B›"),
        ("\ud800", "‹U+D800›"),
        ("a\tb\r\nc\rd", "a    b\nc␍d"),
        ("\u0301x", "◌\u0301x"),
        ("e\u0301", "e\u0301"),
        ("漢字", "漢字"),
    ],
)
def test_characters_that_act_become_visible(text: str, expected: str) -> None:
    assert plain(text) == expected
    assert styled(text).plain == expected


@pytest.mark.parametrize("text", [*NASTY, "".join(map(chr, range(0x3000))), "".join(map(chr, range(0xD7F0, 0x10100)))])
def test_nothing_that_acts_is_left(text: str) -> None:
    shown = plain(text, longest=1 << 20)
    left = {c for c in shown if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}
    assert not left
    assert shown.encode().decode() == shown
    assert "\n" not in line(text)


def test_a_long_text_says_what_is_left_out() -> None:
    assert plain("a" * (LONGEST + 1234)).endswith("a … 1,234 more characters")
