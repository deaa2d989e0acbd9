"""Per-text metrics and the grading of answers, by hand."""

import pytest

from engine.measure.wording import grade, variety, words


def test_words_are_lower_case_without_punctuation() -> None:
    assert words("It's the dog's; 0.5 of 1,000 -- Größe!") == ["it's", "the", "dog's", "0.5", "of", "1,000", "grösse"]
    assert words(" \n.,") == []


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
    ],
)
def test_answers(text: str, answers: list[str], exact: bool, answered: bool) -> None:
    assert grade(text, answers) == {"exact_match": exact, "answered": answered}
