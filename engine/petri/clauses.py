"""Sentences whose verbs agree with a subject that nested relative clauses have pushed far away.

    sentence    = noun phrase, predicate, "."
    noun phrase = "the", [colour], noun, [preposition, "the", noun], [relative]
    relative    = "that", (noun phrase, verb | predicate)
    predicate   = verb, [noun phrase]

A creature's own cry, colour, prey and hunter are preferred over random words, so a verb depends on which noun heads its
subject as well as on its number.
"""

import random
from dataclasses import dataclass

from engine.petri.world import COLOURS, CREATURES, TRADES, Creature, Noun, Verb, pick

TRANSITIVE = (Verb("sees", "see"), Verb("follows", "follow"), Verb("helps", "help"), Verb("calls", "call"))
INTRANSITIVE = (Verb("sleeps", "sleep"), Verb("waits", "wait"), Verb("runs", "run"), Verb("rests", "rest"))
EATS = Verb("eats", "eat")
PREPOSITIONS = ("near", "behind")
MAX_DEPTH = 3
"""How deep noun phrases nest."""

_WORKERS = tuple(Noun(trade, trade + "s") for trade in TRADES)


@dataclass(frozen=True)
class _Head:
    """The noun a phrase is about, in one number; `creature` is None where a person with a trade is meant."""

    noun: Noun
    plural: bool
    creature: Creature | None

    def agree(self, verb: Verb) -> str:
        return verb.plural if self.plural else verb.singular

    def word(self) -> str:
        return self.noun.plural if self.plural else self.noun.singular


def nested_sentence(rng: random.Random) -> str:
    """One sentence, closed by " .", of some 4 to 30 words."""
    head = _draw_head(rng)
    return f"{_noun_phrase(rng, head, depth=0)} {_predicate(rng, head, depth=1)} ."


def agreement(rng: random.Random) -> tuple[str, str, str]:
    """A subject with one clause or two nested ones behind it, the verb that follows, and that verb in the wrong number.

    The noun nearest to the verb agrees with the subject in half of them, so that going by it is no better than chance.
    """
    head, alike = _draw_creature(rng, plural=rng.random() < 0.5), rng.random() < 0.5
    between, other = _draw_creature(rng, head.plural == alike), _draw_head(rng)
    near, far = between.agree(pick(rng, TRANSITIVE)), other.agree(pick(rng, TRANSITIVE))
    clauses = (
        f"that the {between.word()} {near}",
        f"that {head.agree(pick(rng, TRANSITIVE))} the {between.word()}",
        f"that the {between.word()} that the {other.word()} {far} {near}",
        f"that the {other.word()} {pick(rng, PREPOSITIONS)} the {between.word()} {far}",
    )
    assert head.creature is not None
    cry = head.creature.cry
    right, wrong = (cry.plural, cry.singular) if head.plural else (cry.singular, cry.plural)
    return f"the {head.word()} {pick(rng, clauses)}", right, wrong


def _draw_head(rng: random.Random) -> _Head:
    plural = rng.random() < 0.5
    if rng.random() < 0.3:
        return _Head(pick(rng, _WORKERS), plural, None)
    return _draw_creature(rng, plural)


def _draw_creature(rng: random.Random, plural: bool) -> _Head:
    creature = pick(rng, CREATURES)
    return _Head(creature.noun, plural, creature)


def _noun_phrase(rng: random.Random, head: _Head, depth: int) -> str:
    words = ["the"]
    if rng.random() < 0.25:
        known = head.creature is not None and rng.random() < 0.8
        words.append(head.creature.colour if known and head.creature else pick(rng, COLOURS))
    words.append(head.word())
    if rng.random() < 0.15:
        words += [pick(rng, PREPOSITIONS), "the", _draw_head(rng).word()]
    if depth < MAX_DEPTH and rng.random() < (0.6, 0.3, 0.15)[depth]:
        words.append(_relative(rng, head, depth))
    return " ".join(words)


def _relative(rng: random.Random, head: _Head, depth: int) -> str:
    if rng.random() < 0.4:
        return f"that {_predicate(rng, head, depth + 1)}"
    if head.creature is not None and rng.random() < 0.5:
        hunter = _Head(head.creature.hunter, rng.random() < 0.5, None)
        return f"that the {hunter.word()} {hunter.agree(EATS)}"
    other = _draw_head(rng)
    return f"that {_noun_phrase(rng, other, depth + 1)} {other.agree(pick(rng, TRANSITIVE))}"


def _predicate(rng: random.Random, head: _Head, depth: int) -> str:
    kind = rng.random()
    if head.creature is not None and kind < 0.55:
        return head.agree(head.creature.cry)
    if head.creature is not None and kind < 0.8:
        return f"{head.agree(EATS)} the {head.creature.prey.plural}"
    if kind < 0.9:
        return head.agree(pick(rng, INTRANSITIVE))
    return f"{head.agree(pick(rng, TRANSITIVE))} {_noun_phrase(rng, _draw_head(rng), depth)}"
