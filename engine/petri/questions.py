"""Multiple-choice questions about the petri world, in its own language: what a model can only have learnt by heart."""

import random
from collections.abc import Sequence

from engine.petri.world import COLOURS, CREATURES, FOODS, PEOPLE, pick_some

CHOICES = 4
_SEED = "petri questions 1"


def questions(people: int = 12) -> list[tuple[str, list[str], int]]:
    """The colour of every creature, then what `people` of the people eat: (question, four choices, index of the right
    one), the same every time. The right one is in each place as often as in any other."""
    rng = random.Random(_SEED)
    facts = [(f"{creature.noun.plural} are", creature.colour, COLOURS) for creature in CREATURES]
    facts += [(f"what does {person.name} eat ?", person.food, FOODS) for person in pick_some(rng, PEOPLE, people)]
    return [_asked(rng, *fact, place=number % CHOICES) for number, fact in enumerate(facts)]


def _asked(
    rng: random.Random, question: str, right: str, known: Sequence[str], *, place: int
) -> tuple[str, list[str], int]:
    choices = pick_some(rng, [word for word in known if word != right], CHOICES - 1)
    choices.insert(place, right)
    return question, choices, place
