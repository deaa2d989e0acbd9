"""Counting and sums, right by construction: in words up to twenty, in digits up to ninety-nine."""

import random

from engine.petri.world import ITEMS, NUMBERS, below, pick

_LARGEST_WORD = len(NUMBERS) - 1


def count_sentence(rng: random.Random) -> str:
    """Five to seven numbers, the step told first: "count by two : 4 6 8 10 12 ." or "count down : six five four"."""
    length = 5 + below(rng, 3)
    if rng.random() < 0.3:
        start = length + below(rng, _LARGEST_WORD - length + 1)
        return f"count down : {' '.join(NUMBERS[start - i] for i in range(length))} ."
    in_words = rng.random() < 0.5
    step = pick(rng, (1, 2, 3) if in_words else (1, 2, 3, 5, 10))
    start = below(rng, (_LARGEST_WORD if in_words else 99) - step * (length - 1) + 1)
    values = [start + step * i for i in range(length)]
    written = [NUMBERS[value] if in_words else str(value) for value in values]
    return f"count by {NUMBERS[step]} : {' '.join(written)} ."


def sum_sentence(rng: random.Random) -> str:
    """One true equation: "three plus four is seven .", "12 + 7 = 19 ." and their like."""
    return pick(rng, (_plus_words, _minus_words, _times_words, _plus_digits, _minus_digits))(rng)


def gain_sentence(rng: random.Random, name: str) -> str:
    """A sum told as a small story about somebody called `name`."""
    total = 4 + below(rng, 15)
    first = 2 + below(rng, total - 3)
    items = pick(rng, ITEMS) + "s"
    start = f"{name} has {NUMBERS[first]} {items} and gets {NUMBERS[total - first]} more ."
    return f"{start} now {name} has {NUMBERS[total]} {items} ."


def _plus_words(rng: random.Random) -> str:
    left, right = below(rng, 11), below(rng, 11)
    return f"{NUMBERS[left]} plus {NUMBERS[right]} is {NUMBERS[left + right]} ."


def _minus_words(rng: random.Random) -> str:
    left = below(rng, len(NUMBERS))
    right = below(rng, left + 1)
    return f"{NUMBERS[left]} minus {NUMBERS[right]} is {NUMBERS[left - right]} ."


def _times_words(rng: random.Random) -> str:
    left = 1 + below(rng, 10)
    right = 1 + below(rng, _LARGEST_WORD // left)
    return f"{NUMBERS[left]} times {NUMBERS[right]} is {NUMBERS[left * right]} ."


def _plus_digits(rng: random.Random) -> str:
    left, right = below(rng, 50), below(rng, 50)
    return f"{left} + {right} = {left + right} ."


def _minus_digits(rng: random.Random) -> str:
    left = below(rng, 100)
    right = below(rng, left + 1)
    return f"{left} - {right} = {left - right} ."
