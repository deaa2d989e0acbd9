"""The small invented world that every petri document talks about: its words, its people, its creatures.

What holds of them is drawn once from a fixed seed and is the same in every document, so a model can learn it by heart;
a larger model has room for more of it. People are named by two syllables, and neither syllable alone says anything
about them: knowing a person takes a lookup on the pair. Some people are talked about often, most seldom.
"""

import random
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")

PLACES = ("Tarn", "Holt", "Wick", "Mere", "Fen", "Glen", "Wold", "Rill")
COLOURS = ("red", "blue", "green", "gold", "grey", "white", "black", "pink")
FOODS = ("figs", "nuts", "bread", "soup", "corn", "plums", "rice", "cake")
TRADES = ("baker", "smith", "miller", "weaver", "sailor", "farmer", "potter", "guard")
ITEMS = ("lamp", "rope", "key", "drum", "bell", "cup", "map", "coin")
NOTES = ("do", "re", "mi", "fa", "so", "la", "ti")
_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
NUMBERS = (*_UNITS, *_TEENS, "twenty")

_FIRST_SYLLABLES = (
    *(
        "Mi",
        "Su",
        "Ka",
        "To",
        "Be",
        "Ru",
        "Li",
        "Jo",
        "Da",
        "Ne",
        "Po",
        "Ge",
        "Fa",
        "Wi",
        "Ha",
        "Zu",
        "Lo",
        "Sa",
        "Ti",
        "Vo",
    ),
    *(
        "Ye",
        "Cu",
        "Re",
        "Na",
        "Bo",
        "Ki",
        "Mu",
        "La",
        "Di",
        "Pa",
        "Ro",
        "Te",
        "Ga",
        "Fe",
        "Ni",
        "Wo",
        "Hu",
        "Ze",
        "So",
        "Va",
    ),
)
_LAST_SYLLABLES = (
    *(
        "ro",
        "na",
        "vi",
        "sa",
        "mu",
        "pe",
        "do",
        "ri",
        "la",
        "te",
        "bo",
        "ga",
        "de",
        "fu",
        "ki",
        "so",
        "ta",
        "we",
        "zo",
        "li",
    ),
    *(
        "ma",
        "ca",
        "hu",
        "ne",
        "du",
        "ko",
        "mi",
        "ra",
        "pu",
        "le",
        "no",
        "si",
        "ba",
        "ge",
        "lo",
        "wi",
        "nu",
        "va",
        "fe",
        "jo",
    ),
)
_EVENNESS = 30
"""How even the talk about people is: the one of rank r (from 1) is as likely as 1 / (r + this)."""
_CRIES = {
    "fox": "bark",
    "owl": "hoot",
    "hen": "cluck",
    "goat": "bleat",
    "cat": "purr",
    "dog": "howl",
    "frog": "croak",
    "crow": "caw",
    "duck": "quack",
    "bee": "hum",
    "pig": "grunt",
    "snake": "hiss",
}
_WORLD_SEED = "petri world 2"


@dataclass(frozen=True)
class Noun:
    """A countable noun in both numbers."""

    singular: str
    plural: str


@dataclass(frozen=True)
class Verb:
    """A verb of the present tense, third person, in both numbers."""

    singular: str
    plural: str


@dataclass(frozen=True)
class Creature:
    """A species: what it is called, how it cries, its colour, where it lives, whom it eats and who eats it."""

    noun: Noun
    cry: Verb
    colour: str
    place: str
    prey: Noun
    hunter: Noun


@dataclass(frozen=True)
class Person:
    """Somebody with a name, and all that the world knows about them. `friend` and `rival` are other people's names."""

    name: str
    place: str
    colour: str
    food: str
    trade: str
    pet: str
    friend: str
    rival: str


def below(rng: random.Random, limit: int) -> int:
    """A whole number in [0, limit). Built on `random()`, the one draw whose sequence Python promises to keep."""
    return int(rng.random() * limit)


def pick(rng: random.Random, items: Sequence[T]) -> T:
    """One of `items`, each as likely as the next."""
    return items[below(rng, len(items))]


def pick_some(rng: random.Random, items: Sequence[T], count: int) -> list[T]:
    """`count` different ones of `items`, in random order."""
    rest = list(items)
    return [rest.pop(below(rng, len(rest))) for _ in range(count)]


def pick_person(rng: random.Random) -> Person:
    """One of the people, the well-known more often."""
    return PEOPLE[bisect(_FAME, rng.random() * _FAME[-1])]


def _with_s(word: str) -> str:
    return word + ("es" if word.endswith(("s", "x")) else "s")


def _draw_creatures(rng: random.Random) -> tuple[Creature, ...]:
    """Who eats whom is one ring through all species."""
    ring = [Noun(name, _with_s(name)) for name in pick_some(rng, tuple(_CRIES), len(_CRIES))]
    creatures = []
    for position, noun in enumerate(ring):
        cry = _CRIES[noun.singular]
        hunter, prey = ring[position - 1], ring[(position + 1) % len(ring)]
        home = pick(rng, PLACES)
        creatures.append(Creature(noun, Verb(_with_s(cry), cry), pick(rng, COLOURS), home, prey, hunter))
    return tuple(creatures)


def _draw_people(rng: random.Random) -> tuple[Person, ...]:
    names = [first + last for first in _FIRST_SYLLABLES for last in _LAST_SYLLABLES]
    people = []
    for name in pick_some(rng, names, len(names)):
        place, colour, food, trade = (pick(rng, words) for words in (PLACES, COLOURS, FOODS, TRADES))
        friend, rival = pick_some(rng, [other for other in names if other != name], 2)
        people.append(Person(name, place, colour, food, trade, pick(rng, tuple(_CRIES)), friend, rival))
    return tuple(people)


_rng = random.Random(_WORLD_SEED)
CREATURES: tuple[Creature, ...] = _draw_creatures(_rng)
PEOPLE: tuple[Person, ...] = _draw_people(_rng)
"""The best known first."""
_FAME = tuple(accumulate(1 / (rank + _EVENNESS) for rank in range(1, len(PEOPLE) + 1)))
