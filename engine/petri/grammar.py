"""The grammar: documents of petri text from a seed, and the line between training text and held-out text.

A document mixes what must be known by heart (facts), what must be found by looking back (scenes: who carries and wears
what, and a tune, all drawn anew for every document), what must be kept in mind across nested clauses (agreement), and
what must be worked out (counting, sums).

Training and held-out text never share a document: a checksum of the finished text decides which of the two it belongs
to, and each stream drops what belongs to the other. Single sentences do recur in both, as they must in a small world.
"""

import random
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Literal

from engine.petri.clauses import nested_sentence
from engine.petri.facts import creature_fact, portrait
from engine.petri.numbers import count_sentence, sum_sentence
from engine.petri.scenes import Scene, remembered
from engine.petri.world import below, pick, pick_person

Split = Literal["train", "held-out"]

_HELD_OUT_SHARE = 8
"""One document in this many is held out."""


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
    """One document of either split: some 50 to 150 words on one line."""
    scene, length = Scene(), 50 + below(rng, 70)
    sentences: list[str] = []
    while sum(len(sentence.split()) for sentence in sentences) < length:
        sentences += _draw(rng)(rng, scene)
    return " ".join(sentences)


def compose_distraction(rng: random.Random, count: int) -> list[str]:
    """Sentences that say nothing of the scene they stand in."""
    kinds = (nested_sentence, count_sentence, sum_sentence, creature_fact)
    return [pick(rng, kinds)(rng) for _ in range(count)]


def _draw(rng: random.Random) -> Callable[[random.Random, Scene], list[str]]:
    mark = rng.random()
    for share, kind in _KINDS:
        mark -= share
        if mark < 0:
            return kind
    return _KINDS[-1][1]


_KINDS: tuple[tuple[float, Callable[[random.Random, Scene], list[str]]], ...] = (
    (0.17, lambda rng, _: portrait(rng, pick_person(rng))),
    (0.03, lambda rng, _: [creature_fact(rng)]),
    (0.30, lambda rng, scene: [remembered(rng, scene)]),
    (0.18, lambda rng, _: [nested_sentence(rng)]),
    (0.14, lambda rng, _: [count_sentence(rng)]),
    (0.14, lambda rng, _: [sum_sentence(rng)]),
)
"""Kinds of sentences with how likely each comes next; a portrait is several sentences."""
