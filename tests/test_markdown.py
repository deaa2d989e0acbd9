"""Markdown of foreign text: nothing in it acts."""

from engine.markdown import code, escaped, table


def test_what_would_act_is_shown() -> None:
    assert escaped("a_b|c\n*d*") == r"a\_b\|c␊\*d\*"
    assert escaped("x" * 300) == "x" * 199 + "…"
    assert code("a`b|c\x1b[31m") == "`a'b¦c␛[31m`"


def test_a_table_has_its_numbers_on_the_right() -> None:
    assert table(("a", "b"), [("x", "1")], numbers=1) == "| a | b |\n| --- | ---: |\n| x | 1 |"
