"""What a text is like, word by word: how varied, how repetitive, and whether it holds an answer."""

import re
from collections.abc import Sequence
from typing import Any

_WORD = re.compile(r"\d+(?:[.,]\d+)+|\w+(?:['’]\w+)*")
_ARTICLES = frozenset({"a", "an", "the"})


def words(text: str) -> list[str]:
    """The words of a text in lower case; punctuation separates them, a number such as 0.5 is one."""
    return _WORD.findall(text.casefold())


def variety(text: str) -> dict[str, Any]:
    """Per-text metrics by word, which compare across tokenizers.

    distinct_1, distinct_2: different words (pairs of neighbours) over all of them (Li et al., 2016); None where the
        text has none.
    repetition: share of runs of four words that stood earlier in the text (Welleck et al., 2020, seq-rep-4); 0 where
        there is no such run.
    """
    found = words(text)
    repeated = _distinct(found, 4)
    return {
        "words": len(found),
        "distinct_1": _distinct(found, 1),
        "distinct_2": _distinct(found, 2),
        "repetition": 0.0 if repeated is None else 1.0 - repeated,
    }


def grade(text: str, answers: Sequence[str]) -> dict[str, bool]:
    """Whether a text gives one of the answers; upper and lower case, punctuation and articles do not matter.

    exact_match: the text's first line that is not empty is the answer, and nothing else.
    answered: the answer's words stand somewhere in the text, in their order, next to each other.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    opening, whole = _content(first), _content(text)
    wanted = [_content(answer) for answer in answers]
    return {
        "exact_match": any(answer == opening for answer in wanted),
        "answered": any(answer in _runs(whole, len(answer)) for answer in wanted),
    }


def _content(text: str) -> tuple[str, ...]:
    return tuple(word for word in words(text) if word not in _ARTICLES)


def _distinct(found: Sequence[str], length: int) -> float | None:
    runs = _runs(tuple(found), length)
    return len(set(runs)) / len(runs) if runs else None


def _runs(found: tuple[str, ...], length: int) -> list[tuple[str, ...]]:
    return [found[start : start + length] for start in range(len(found) - length + 1)]
