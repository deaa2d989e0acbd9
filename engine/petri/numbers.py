"""Counting and sums in words up to twenty, right by construction."""

import random
import zlib

from engine.petri.world import CREATURES, NUMBERS, below, pick

LARGEST = len(NUMBERS) - 1
STEPS = (1, 2, 3)


def count_sentence(rng: random.Random) -> str:
    """Numbers by a step that is told first, "count by two : four six eight ten .", or creatures and how many they are,
    "hen hen hen : three hens ."."""
    if rng.random() < 0.5:
        return " ".join(tally(rng)) + " ."
    return " ".join(counting(rng)) + " ."


def counting(rng: random.Random) -> tuple[str, str]:
    """The beginning of a count, and the number that comes next."""
    step, down = pick(rng, STEPS), rng.random() < 0.3
    length = 4 + below(rng, min(3, LARGEST // step - 3))
    start = below(rng, LARGEST - step * (length - 1) + 1)
    values = [start + step * i for i in range(length)]
    words = [NUMBERS[value] for value in (reversed(values) if down else values)]
    return f"count {'down' if down else 'up'} by {NUMBERS[step]} : {' '.join(words[:-1])}", words[-1]


def tally(rng: random.Random) -> tuple[str, str]:
    """Creatures one by one, and how many they are."""
    noun = pick(rng, CREATURES).noun
    many = 2 + below(rng, 8)
    return f"{' '.join([noun.singular] * many)} :", f"{NUMBERS[many]} {noun.plural}"


def sum_sentence(rng: random.Random) -> str:
    """One true equation of pairs that are trained on: "three plus four is seven .", "nine minus two is seven ."."""
    while True:
        left, right = below(rng, LARGEST + 1), below(rng, LARGEST + 1)
        if left + right <= LARGEST and not is_held_out(left, right):
            break
    if rng.random() < 0.3:
        return f"{NUMBERS[left + right]} minus {NUMBERS[right]} is {NUMBERS[left]} ."
    return f"{NUMBERS[left]} plus {NUMBERS[right]} is {NUMBERS[left + right]} ."


def is_held_out(left: int, right: int) -> bool:
    """Whether left plus right is never written in this order, nor their sum taken apart so.

    Of every other pair of numbers either the larger one never comes first, or the smaller.
    """
    low, high = min(left, right), max(left, right)
    mark = zlib.crc32(f"{low} plus {high}".encode())
    return low != high and mark % 2 == 0 and (left < right) == (mark // 2 % 2 == 0)
