"""Questions about the five abilities of a petri model, in its own language, with the choices and the right answer.

What is asked for is never in a document that a model was trained on: people are asked about without context, scenes
and counts are drawn anew, and sums are of pairs that training never writes in that order.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.petri.clauses import agreement
from engine.petri.facts import facts_of
from engine.petri.grammar import compose_distraction
from engine.petri.numbers import LARGEST, counting, is_held_out, tally
from engine.petri.scenes import KINDS, Scene, again, introduce
from engine.petri.world import NUMBERS, below, pick, pick_person, pick_some

_TRIES = 20
"""Draws for each question wanted: some come up twice."""


@dataclass(frozen=True)
class Question:
    """What is asked, the choices that may follow it after a space, and the index of the right one."""

    question: str
    choices: tuple[str, ...]
    answer: int

    @property
    def right(self) -> str:
        """The right choice."""
        return self.choices[self.answer]


def questions(ability: str, count: int, seed: int = 1) -> list[Question]:
    """`count` different questions about one of the `ABILITIES`, or as many as there are, the same for the same seed.

    The right answer is in each place as often as in any other.
    """
    rng = random.Random(f"petri {ability} {seed}")
    asked: dict[str, Question] = {}
    for _ in range(_TRIES * count):
        question, right, wrong = ABILITIES[ability](rng)
        if question not in asked and len(asked) < count:
            place = len(asked) % (len(wrong) + 1)
            choices = [*wrong[:place], right, *wrong[place:]]
            asked[question] = Question(question, tuple(choices), place)
    return list(asked.values())


_Drawn = tuple[str, str, Sequence[str]]
"""A question, its answer, and wrong choices."""


def _fact(rng: random.Random) -> _Drawn:
    fact = pick(rng, facts_of(pick_person(rng)))
    return fact.asked, fact.answer, _others(rng, fact.known, fact.answer)


def _recall(rng: random.Random) -> _Drawn:
    """A tune or a bag, two or three other sentences, then its first word again: which of the others comes next?"""
    scene: Scene = {}
    kind = pick(rng, KINDS)
    told = [introduce(rng, scene, kind), *compose_distraction(rng, 2 + below(rng, 2)), again(rng, kind)]
    first, right, *wrong = scene[kind]
    return f"{' '.join(told)} {first}", right, wrong


def _agreement(rng: random.Random) -> _Drawn:
    beginning, right, wrong = agreement(rng)
    return beginning, f"{right} .", (f"{wrong} .",)


def _count(rng: random.Random) -> _Drawn:
    beginning, following = (counting if rng.random() < 0.5 else tally)(rng)
    number = following.split()[0]
    return beginning, number, _near(rng, NUMBERS.index(number))


def _sum(rng: random.Random) -> _Drawn:
    left, right = pick(rng, _HELD_OUT)
    if rng.random() < 0.5:
        return f"{NUMBERS[left + right]} minus {NUMBERS[right]} is", NUMBERS[left], _near(rng, left)
    return f"{NUMBERS[left]} plus {NUMBERS[right]} is", NUMBERS[left + right], _near(rng, left + right)


_HELD_OUT = [(a, b) for a in range(LARGEST + 1) for b in range(LARGEST + 1 - a) if is_held_out(a, b)]


def _others(rng: random.Random, known: Sequence[str], right: str) -> list[str]:
    return pick_some(rng, [word for word in known if word != right], 3)


def _near(rng: random.Random, right: int) -> list[str]:
    """Three other numbers, not more than three away."""
    near = [NUMBERS[n] for n in range(max(0, right - 3), min(LARGEST, right + 3) + 1) if n != right]
    return pick_some(rng, near, 3)


ABILITIES: dict[str, Callable[[random.Random], _Drawn]] = {
    "facts": _fact,
    "recall": _recall,
    "agreement": _agreement,
    "counting": _count,
    "sums": _sum,
}
