"""The grammar: documents of petri text from a seed, and the line between training text and held-out text.

A document is a scene. Two or three people meet in it; each carries something, and somebody sings a tune. Those are
drawn afresh for every document, and later sentences recall them, so they can only be known by looking back. Between
them stand facts about the world, sentences with nested clauses, counting and sums. The talk stays with one person for
a while before it turns to another.

Training and held-out text never share a document: a checksum of the finished text decides which of the two it belongs
to, and each stream drops what belongs to the other. Single sentences do recur in both, as they must in a small world.
"""

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from engine.petri.clauses import nested_sentence
from engine.petri.numbers import count_sentence, gain_sentence, sum_sentence
from engine.petri.world import BY_NAME, CREATURES, ITEMS, NOTES, PEOPLE, Person, below, pick, pick_some

Split = Literal["train", "held-out"]

_HELD_OUT_SHARE = 8
"""One document in this many is held out."""


@dataclass
class Scene:
    """What is true in one document only: who is there and talked about, who carries what, the tune once it was sung."""

    rng: random.Random
    cast: list[Person]
    topic: Person
    carried: dict[str, str] = field(default_factory=dict)
    tune: str = ""


def split_of(document: str) -> Split:
    """Which stream a document belongs to, from its text alone."""
    return "held-out" if zlib.crc32(document.encode()) % _HELD_OUT_SHARE == 0 else "train"


def stream(split: Split, seed: int) -> Iterator[str]:
    """An endless stream of documents; the same split and seed always give the same documents in the same order."""
    rng = random.Random(f"petri {split} {seed}")
    while True:
        document = compose(rng)
        if split_of(document) == split:
            yield document


def generate(split: Split, seed: int, documents: int) -> list[str]:
    """The first `documents` documents of a stream. Raises ValueError when `documents` is negative."""
    return list(islice(stream(split, seed), documents))


def compose(rng: random.Random) -> str:
    """One document of either split: some 60 to 150 words on one line."""
    cast = pick_some(rng, PEOPLE, 2 + below(rng, 2))
    scene = Scene(rng, cast, topic=cast[0])
    length = 60 + below(rng, 70)
    sentences: list[str] = []
    while sum(len(sentence.split()) for sentence in sentences) < length:
        sentences.append(_draw_sentence(scene))
    return " ".join(sentences)


def _draw_sentence(scene: Scene) -> str:
    if scene.rng.random() < 0.3:
        scene.topic = pick(scene.rng, scene.cast)
    mark = scene.rng.random()
    for share, kind in _KINDS:
        mark -= share
        if mark < 0:
            return kind(scene)
    return _KINDS[-1][1](scene)


def _fact(scene: Scene) -> str:
    """Something that holds in every document, mostly about whom the talk is of."""
    rng = scene.rng
    person = scene.topic if rng.random() < 0.9 else pick(rng, PEOPLE)
    return pick(rng, (_plain_fact, _portrait, _portrait, _asked_fact, _friend_fact))(rng, person)


def _predicates(person: Person) -> tuple[str, ...]:
    return (
        f"lives in {person.place}",
        f"has a {person.door} door",
        f"eats {person.food}",
        f"is the {person.trade}",
        f"keeps the {person.pet}",
    )


def _plain_fact(rng: random.Random, person: Person) -> str:
    return f"{person.name} {pick(rng, _predicates(person))} ."


def _portrait(rng: random.Random, person: Person) -> str:
    home, door, food, trade, pet = _predicates(person)
    portraits = (
        f"{person.name} , who {home} , {food} and {pet} .",
        f"{person.name} {trade} , {home} and {door} .",
    )
    return pick(rng, portraits)


def _asked_fact(rng: random.Random, person: Person) -> str:
    questions = (
        f"where does {person.name} live ? in {person.place} .",
        f"what does {person.name} eat ? {person.food} .",
        f"what does {person.name} keep ? the {person.pet} .",
    )
    return pick(rng, questions)


def _friend_fact(rng: random.Random, person: Person) -> str:
    friend = BY_NAME[person.friend]
    named = f"the friend of {person.name} is {friend.name} ."
    return pick(rng, (named, f"the friend of {person.name} {pick(rng, _predicates(friend))} ."))


def _creature_fact(scene: Scene) -> str:
    creature = pick(scene.rng, CREATURES)
    return f"{creature.noun.plural} are {creature.colour} , live in {creature.place} and eat {creature.prey.plural} ."


def _belonging(scene: Scene) -> str:
    """Who carries what: told once for each of the cast, from then on recalled."""
    rng = scene.rng
    person = scene.topic
    if person.name not in scene.carried:
        free = [item for item in ITEMS if item not in scene.carried.values()]
        scene.carried[person.name] = pick(rng, free)
        return f"today {person.name} carries the {scene.carried[person.name]} ."
    item = scene.carried[person.name]
    everything = " and ".join(f"{name} carries the {thing}" for name, thing in scene.carried.items())
    recalls = (
        f"so {everything} .",
        f"who carries the {item} ? {person.name} .",
        f"what does {person.name} carry ? the {item} .",
    )
    return pick(rng, recalls)


def _song(scene: Scene) -> str:
    """A tune of five different notes: sung once, from then on repeated note by note."""
    name = scene.topic.name
    if scene.tune:
        return f"{name} sings again : {scene.tune} ."
    scene.tune = " ".join(pick_some(scene.rng, NOTES, 5))
    return f"{name} sings : {scene.tune} ."


def _nested(scene: Scene) -> str:
    return nested_sentence(scene.rng)


def _number(scene: Scene) -> str:
    kind = below(scene.rng, 3)
    if kind == 0:
        return gain_sentence(scene.rng, scene.topic.name)
    return (count_sentence if kind == 1 else sum_sentence)(scene.rng)


_KINDS: tuple[tuple[float, Callable[[Scene], str]], ...] = (
    (0.36, _fact),
    (0.05, _creature_fact),
    (0.25, _belonging),
    (0.14, _song),
    (0.12, _nested),
    (0.08, _number),
)
