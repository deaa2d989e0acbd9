"""Per-text metrics and the grading of answers, by hand."""

import json
from typing import Any

import pytest

from engine import catalog
from engine.record.lines import encode
from engine.wording import grade, variety, words


def test_words_are_lower_case_without_punctuation() -> None:
    assert words("It's the dog's; 0.5 of 1,000 -- Größe!") == ["it's", "the", "dog's", "0.5", "of", "1,000", "grösse"]
    assert words(" \n.,") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-3", ["-3"]),
        ("(−3)", ["-3"]),
        ("at -5km, -$4.50", ["at", "-5km", "-4.50"]),
        ("pages 3-4, x-3, (1)-2, is it--3", ["pages", "3", "4", "x", "3", "1", "2", "is", "it", "3"]),
        (".5 and -.5 and v.5 ...7", ["0.5", "and", "-0.5", "and", "v", "5", "7"]),
        ("50% or 50 % of 1/2 by 12:30.", ["50%", "or", "50%", "of", "1/2", "by", "12:30"]),
        ("the 3rd, 1960's", ["the", "3rd", "1960's"]),
    ],
)
def test_a_number_keeps_what_makes_it_another_number(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_grading_is_that_of_version_2_of_generation() -> None:
    """Whoever makes these figures come out otherwise raises the version."""
    assert catalog.measurement("generation").version == 2


def test_variety_by_hand() -> None:
    text = "the cat sat on the mat . The cat sat on a hat"
    # 12 words, 8 of them different; 11 pairs, of which (the, cat), (cat, sat), (sat, on) come twice; 9 runs of four,
    # of which (the, cat, sat, on) comes twice
    assert variety(text) == {
        "words": 12,
        "distinct_1": pytest.approx(7 / 12),
        "distinct_2": pytest.approx(8 / 11),
        "repetition": pytest.approx(1 / 9),
    }
    assert variety("na " * 40)["repetition"] == pytest.approx(36 / 37)
    assert variety("") == {"words": 0, "distinct_1": None, "distinct_2": None, "repetition": 0.0}
    assert variety("one") == {"words": 1, "distinct_1": 1.0, "distinct_2": None, "repetition": 0.0}


@pytest.mark.parametrize(
    ("text", "answers", "exact", "answered"),
    [
        ("Paris", ["Paris"], True, True),
        (" paris.\nIt is the capital.", ["Paris"], True, True),
        ("The capital of France is Paris.", ["Paris"], False, True),
        ("\n\nThe Atlantic Ocean", ["Atlantic", "the Atlantic Ocean"], True, True),
        ("Parisian", ["Paris"], False, False),
        ("forty two", ["42", "forty-two"], True, True),
        ("It is 142.", ["42"], False, False),
        ("42.5", ["42"], False, False),
        ("the blue and the whale", ["blue whale"], False, False),
        ("", ["yes"], False, False),
        # numbers
        ("3", ["-3"], False, False),
        ("-3", ["3"], False, False),
        ("It is -3.", ["-3"], False, True),
        ("5%", ["5"], False, False),
        ("5 %", ["5%"], True, True),
        ("5", [".5"], False, False),
        ("0.5", [".5"], True, True),
        ("1, 2", ["1/2"], False, False),
        # answers without a word
        ("The", ["!"], False, False),
        ("The", ["+"], False, False),
        ("?", ["!"], False, False),
        ("+", ["+"], True, True),
        ("The sign is  + here", ["+"], False, True),
        ("no sign", ["+"], False, False),
        ("", [""], True, True),
        ("something", [""], False, False),
        # answers that are articles
        ("The", ["A"], False, False),
        ("A", ["A"], True, True),
        ("a", ["A"], True, True),
        ("The answer is (A).", ["A"], False, True),
        ("A: Paris", ["A"], False, True),
        ("B", ["A"], False, False),
        ("It is a cat.", ["A"], False, False),
        ("A cat", ["A"], False, False),
        ("AB", ["A"], False, False),
        ("The band is The The", ["The The"], False, True),
        ("an", ["the"], False, False),
    ],
)
def test_answers(text: str, answers: list[str], exact: bool, answered: bool) -> None:
    assert grade(text, answers) == {"exact_match": exact, "answered": answered}


LONG = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x1b[31m\x1b[0m\x1b]0;title\x07",
        "\x00\x85\u2028",
        "\ud800",
        "\ud83d a \udc00",
        "\ufffd" * 9,
        *(unit * LONG for unit in ("a", "1", "-", "a ", "1.", "-1", "A ", "' ", "\ud800", "%", "\n")),
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_whatever_a_broken_model_writes_has_its_figures(text: str) -> None:
    figures: dict[str, Any] = {**variety(text), **grade(text, ["-3", "A", "+", "", "two words", text])}
    assert figures["answered"] is True
    assert 0 <= figures["repetition"] <= 1
    assert json.loads(encode({"text": text, **figures})) == {"text": text, **figures}
