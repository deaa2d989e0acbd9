"""The questions: right by an answer worked out from the text alone, fair in their places, and the files as shipped."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

import engine.data
from engine.petri.bundle import prompt_lines, prompts, task_lines, tasks
from engine.petri.grammar import generate
from engine.petri.questions import ABILITIES, Question, questions
from engine.petri.world import NUMBERS

DATA = Path(engine.data.__file__).parent


@pytest.mark.parametrize("ability", list(ABILITIES))
def test_the_right_answer_is_in_every_place_as_often(ability: str) -> None:
    asked = questions(ability, 40)
    places = Counter(one.answer for one in asked)
    assert max(places.values()) - min(places.values()) <= 1
    assert all(len(set(one.choices)) == len(one.choices) for one in asked)
    assert len({one.question for one in asked}) == len(asked)


@pytest.mark.parametrize("ability", list(ABILITIES))
def test_no_choice_begins_another(ability: str) -> None:
    # The likelihood of "hoot" is never below that of "hoots": such a question has its answer without being read.
    for one in questions(ability, 200):
        ways = [f"{choice} " if choice.endswith(".") else f"{choice} ." for choice in one.choices]
        assert not any(a != b and b.startswith(a) for a in ways for b in ways)


def test_sums_are_right_and_never_trained_on() -> None:
    text = " ".join(generate("train", 1, 3000))
    for one in questions("sums", 100):
        left, sign, right, _ = one.question.split()
        a, b = NUMBERS.index(left), NUMBERS.index(right)
        assert NUMBERS.index(one.right) == (a + b if sign == "plus" else a - b)
        assert one.question not in text


def test_recall_asks_for_what_came_next() -> None:
    for one in questions("recall", 100):
        words = one.question.split()
        told = words[words.index(":") + 1 :]
        assert told[0] == words[-1]
        assert told[1] == one.right
        assert set(told[1:5]) == set(one.choices)


def test_agreement_is_in_the_number_of_the_first_noun() -> None:
    for one in questions("agreement", 100):
        plural = one.question.split()[1].endswith("s")
        assert one.right.removesuffix(" .").endswith("s") != plural or one.right == "hiss ."


def test_the_nearest_noun_is_no_help_with_agreement() -> None:
    alike = [_last_noun_is_plural(one) == one.question.split()[1].endswith("s") for one in questions("agreement", 400)]
    assert 0.4 < sum(alike) / len(alike) < 0.6


def _last_noun_is_plural(one: Question) -> bool:
    words = one.question.split()
    return [word for before, word in pairwise(words) if before == "the"][-1].endswith("s")


def test_facts_are_asked_as_training_answers_them() -> None:
    text = " ".join(generate("train", 1, 20_000))
    answered = [one for one in questions("facts", 60) if f" {one.question} " in text]
    assert len(answered) > 20
    assert all(f" {one.question} {one.right} ." in text for one in answered)


def test_the_files_are_what_the_generator_writes() -> None:
    for name, asked in tasks().items():
        assert (DATA / "tasks" / f"{name}.jsonl").read_text() == task_lines(asked)
    for name, asked in prompts().items():
        assert (DATA / "prompts" / f"{name}.jsonl").read_text() == prompt_lines(asked)
