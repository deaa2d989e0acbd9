"""What a text is like, word by word: how varied, how repetitive, and whether it holds an answer."""

import re
from collections.abc import Sequence
from typing import Any

_MINUS = r"(?<![\w)\]−–-])[−–-](?=[$€£¥]?\.?\d)"  # before a number, and not between two as in 3-4
_NUMBER = r"\d+(?:[.,/:]\d+)+|(?<![\w.])\.\d+|\d\w*(?:['’]\w+)*"
_WORD = re.compile(rf"(?P<minus>{_MINUS})?[$€£¥]?(?P<number>{_NUMBER})(?P<percent>\s?%)?|\w+(?:['’]\w+)*")
_ARTICLES = frozenset({"a", "an", "the"})


def words(text: str) -> list[str]:
    """The words of a text in lower case; punctuation separates them. A number is one word with its minus sign, its
    decimals and its percent sign: "-3", "0.5" (for .5 too), "1/2", "10%"."""
    return [_word(match) for match in _WORD.finditer(text.casefold())]


def _word(match: re.Match[str]) -> str:
    number = match["number"]
    if number is None:
        return match[0]
    zero = "0" if number.startswith(".") else ""
    return ("-" if match["minus"] else "") + zero + number + ("%" if match["percent"] else "")


def variety(text: str) -> dict[str, Any]:
    """Per-text metrics by word, which compare across tokenizers.

    distinct_1, distinct_2: different words (pairs of neighbours) over all of them (Li et al., 2016); None where the
        text has none.
    repetition: share of runs of four words that stood earlier in the text (Welleck et al., 2020, seq-rep-4); 0 where
        there is no such run.
    """
    all_words = words(text)
    repeated = _distinct(all_words, 4)
    return {
        "words": len(all_words),
        "distinct_1": _distinct(all_words, 1),
        "distinct_2": _distinct(all_words, 2),
        "repetition": 0.0 if repeated is None else 1.0 - repeated,
    }


def grade(text: str, answers: Sequence[str]) -> dict[str, bool]:
    """Whether a text gives one of the answers; upper and lower case, punctuation and articles do not matter.

    exact_match: the text's first line that is not empty is the answer, and nothing else.
    answered: the answer's words stand somewhere in the text, in their order, next to each other.

    Where an answer has nothing else, these do matter: one without a word, such as "+", is looked for as it is written,
    and one that is an article, such as the letter A, in its own case and where no word follows it.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    opening, whole = _content(first), _content(text)
    exact = any(_content(answer) == opening if words(answer) else _plain(answer) == _plain(first) for answer in answers)
    return {"exact_match": exact, "answered": exact or any(_holds(text, whole, answer) for answer in answers)}


def _holds(text: str, content: tuple[str, ...], answer: str) -> bool:
    sought = _content(answer)
    if not sought:
        return bool(answer.strip()) and _plain(answer) in _plain(text)
    if _ARTICLES.issuperset(sought):
        return re.search(rf"(?<!\w){re.escape(answer.strip())}(?!['’]?\w|[^\S\n]+\w)", text) is not None
    return sought in _runs(content, len(sought))


def _content(text: str) -> tuple[str, ...]:
    """The words without articles, or all of them where every one is an article."""
    every = tuple(words(text))
    return tuple(word for word in every if word not in _ARTICLES) or every


def _plain(text: str) -> str:
    """In lower case, with single spaces."""
    return " ".join(text.casefold().split())


def _distinct(sequence: Sequence[str], length: int) -> float | None:
    runs = _runs(tuple(sequence), length)
    return len(set(runs)) / len(runs) if runs else None


def _runs(sequence: tuple[str, ...], length: int) -> list[tuple[str, ...]]:
    return [sequence[start : start + length] for start in range(len(sequence) - length + 1)]
