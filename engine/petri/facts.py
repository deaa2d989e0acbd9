"""What holds in every document: about people, and about the creatures."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from engine.petri.world import COLOURS, CREATURES, FOODS, PEOPLE, PLACES, TRADES, Person, below, pick, pick_some


@dataclass(frozen=True)
class Fact:
    """One thing about a person: the words before it where it is told, those before it where it is asked, itself, and
    everything of its kind."""

    told: str
    asked: str
    answer: str
    known: Sequence[str]


_PETS = tuple(creature.noun.singular for creature in CREATURES)
_NAMES = tuple(person.name for person in PEOPLE)


def facts_of(person: Person) -> list[Fact]:
    """All seven facts about somebody."""
    name = person.name
    return [
        Fact("lives in", f"where does {name} live ? in", person.place, PLACES),
        Fact("is a", f"what is {name} ? a", person.trade, TRADES),
        Fact("eats", f"what does {name} eat ?", person.food, FOODS),
        Fact("wears", f"what does {name} wear ?", person.colour, COLOURS),
        Fact("keeps a", f"what does {name} keep ? a", person.pet, _PETS),
        Fact("likes", f"who does {name} like ?", person.friend, _NAMES),
        Fact("fears", f"who does {name} fear ?", person.rival, _NAMES),
    ]


def portrait(rng: random.Random, person: Person) -> list[str]:
    """All there is to say about somebody, each thing once: most told in one sentence, the rest asked and answered."""
    facts = pick_some(rng, facts_of(person), 7)
    told = 4 + below(rng, 3)
    sentences = [f"{person.name} {' , '.join(f'{fact.told} {fact.answer}' for fact in facts[:told])} ."]
    sentences += [f"{fact.asked} {fact.answer} ." for fact in facts[told:]]
    return pick_some(rng, sentences, len(sentences))


def creature_fact(rng: random.Random) -> str:
    """Colour, home and prey of a species."""
    creature = pick(rng, CREATURES)
    return f"{creature.noun.plural} are {creature.colour} , live in {creature.place} and eat {creature.prey.plural} ."
