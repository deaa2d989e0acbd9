"""Agreement over nested clauses, checked by a parser that knows nothing of how the sentences were made."""

import random

import pytest

from engine.petri.clauses import nested_sentence

COLOURS = {"red", "blue", "green", "gold", "grey", "white", "black", "pink"}
CREATURES = {"fox", "owl", "hen", "goat", "cat", "dog", "frog", "crow", "duck", "bee", "pig", "snake"}
SINGULAR = CREATURES | {"baker", "smith", "miller", "weaver", "sailor", "farmer", "potter", "guard"}
PLURAL = {noun + ("es" if noun == "fox" else "s") for noun in SINGULAR}
CRIES = {"bark", "hoot", "cluck", "bleat", "purr", "howl", "croak", "caw", "quack", "hum", "grunt", "hiss"}
WITHOUT_OBJECT = CRIES | {"sleep", "wait", "run", "rest"}
WITH_OBJECT = {"see", "follow", "help", "call", "eat"}


def third_person(verb: str) -> str:
    return verb + ("es" if verb == "hiss" else "s")


class Parser:
    """Reads one sentence from the left; raises AssertionError where a verb does not fit its subject."""

    def __init__(self, sentence: str) -> None:
        self.words = sentence.split()
        self.depth = 0
        self.deepest = 0

    def next(self) -> str:
        return self.words.pop(0)

    def sentence(self) -> None:
        self.predicate(self.noun_phrase())
        assert self.words == ["."]

    def noun(self) -> bool:
        """Whether the noun that comes next is plural."""
        word = self.next()
        assert word in SINGULAR | PLURAL, word
        return word in PLURAL

    def noun_phrase(self) -> bool:
        assert self.next() == "the"
        if self.words[0] in COLOURS:
            self.next()
        plural = self.noun()
        if self.words[0] in ("near", "behind"):
            self.next()
            assert self.next() == "the"
            self.noun()
        if self.words[0] == "that":
            self.next()
            self.relative(plural)
        return plural

    def relative(self, plural: bool) -> None:
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        if self.words[0] == "the":
            assert self.verb(self.noun_phrase()) in WITH_OBJECT
        else:
            self.predicate(plural)
        self.depth -= 1

    def predicate(self, plural: bool) -> None:
        if self.verb(plural) in WITH_OBJECT:
            self.noun_phrase()

    def verb(self, plural: bool) -> str:
        word = self.next()
        for verb in WITH_OBJECT | WITHOUT_OBJECT:
            if word == (verb if plural else third_person(verb)):
                return verb
        raise AssertionError(f"{word} does not agree")


def test_every_verb_agrees_with_its_subject() -> None:
    rng = random.Random(11)
    deepest = []
    for _ in range(3000):
        parser = Parser(nested_sentence(rng))
        parser.sentence()
        deepest.append(parser.deepest)
    assert max(deepest) == 3
    assert sum(depth >= 1 for depth in deepest) > 1000


@pytest.mark.parametrize(
    "wrong",
    [
        "the foxes that the owl sees barks .",
        "the fox that the owls sees barks .",
        "the owl near the hens hoot .",
    ],
)
def test_the_parser_notices_a_wrong_verb(wrong: str) -> None:
    with pytest.raises(AssertionError, match="does not agree"):
        Parser(wrong).sentence()
