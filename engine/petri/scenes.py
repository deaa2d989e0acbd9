"""What is true in one document only: a tune that is sung and a bag that is packed. Told once, from then on recalled."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from engine.petri.world import ITEMS, NOTES, TRADES, pick, pick_some

LENGTH = 5
"""Notes of a tune, things in a bag: all different."""


@dataclass(frozen=True)
class Kind:
    """Something that goes in an order: the words it is made of, how it is told first and how again."""

    words: Sequence[str]
    first: str
    again: str


KINDS = (Kind(NOTES, "sings", "sings again"), Kind(ITEMS, "packs", "unpacks"))

Scene = dict[Kind, list[str]]
"""The orders that a document has told of so far."""


def remembered(rng: random.Random, scene: Scene) -> str:
    """A tune or a bag: drawn the first time, from then on repeated word by word."""
    kind = pick(rng, KINDS)
    if kind not in scene:
        return introduce(rng, scene, kind)
    return f"{again(rng, kind)} {' '.join(scene[kind])} ."


def introduce(rng: random.Random, scene: Scene, kind: Kind) -> str:
    """The first telling; the scene keeps the order."""
    scene[kind] = pick_some(rng, kind.words, LENGTH)
    return f"the {pick(rng, TRADES)} {kind.first} : {' '.join(scene[kind])} ."


def again(rng: random.Random, kind: Kind) -> str:
    """How the second telling begins."""
    return f"the {pick(rng, TRADES)} {kind.again} :"
