"""The grammar: the same text for the same seed, true sums, and no document on both sides."""

import re
from itertools import islice, pairwise

import pytest

from engine.petri import held_out
from engine.petri.grammar import generate, split_of, stream
from engine.petri.world import NUMBERS

VALUE = {word: value for value, word in enumerate(NUMBERS)}


def test_the_same_seed_gives_the_same_text() -> None:
    assert held_out(3, 40) == held_out(3, 40)
    assert held_out(3, 40)[:10] == held_out(3, 10)
    assert held_out(3, 10) != held_out(4, 10)


def test_the_text_is_the_one_the_weights_were_measured_on() -> None:
    # A literal, so that a change of the grammar or of Python's generator cannot go unnoticed.
    assert held_out(1, 1)[0].startswith("the potter sings : ti re fa mi so . what is Jowi ? a baker .")


def test_training_and_held_out_documents_are_disjoint() -> None:
    train, test = generate("train", 1, 2000), generate("held-out", 1, 500)
    assert {split_of(document) for document in train} == {"train"}
    assert {split_of(document) for document in test} == {"held-out"}
    assert not set(train) & set(test)


def test_documents_differ() -> None:
    documents = generate("train", 1, 1000)
    assert len(set(documents)) == len(documents)


def test_a_negative_number_of_documents_is_refused() -> None:
    with pytest.raises(ValueError, match="islice"):
        held_out(1, -1)


def test_every_sum_is_right() -> None:
    text = " ".join(islice(stream("train", 5), 1000))
    sums = re.findall(r"(\w+) (plus|minus) (\w+) is (\w+) \.", text)
    assert len(sums) > 500
    for left, sign, right, result in sums:
        a, b = VALUE[left], VALUE[right]
        assert VALUE[result] == (a + b if sign == "plus" else a - b)


def test_every_count_keeps_its_step() -> None:
    text = " ".join(islice(stream("train", 6), 1000))
    counts = re.findall(r"count (up|down) by (\w+) : ([\w ]+) \.", text)
    assert len(counts) > 200
    for direction, step, run in counts:
        values = [VALUE[word] for word in run.split()]
        expected = -VALUE[step] if direction == "down" else VALUE[step]
        assert {after - before for before, after in pairwise(values)} == {expected}


def test_every_tally_is_right() -> None:
    text = " ".join(islice(stream("train", 6), 1000))
    tallies = re.findall(r"((?:\b(\w+) )(?:\2 )+): (\w+) (\w+) \.", text)
    assert len(tallies) > 200
    for listed, noun, number, plural in tallies:
        assert len(listed.split()) == VALUE[number]
        assert plural in (noun + "s", noun + "es")


@pytest.mark.parametrize(
    ("told", "asked"), [("lives in", "where does {} live \\? in"), ("eats", "what does {} eat \\?")]
)
def test_facts_hold_in_every_document(told: str, asked: str) -> None:
    known: dict[str, set[str]] = {}
    text = " ".join(islice(stream("train", 7), 3000))
    for sentence in text.split(" . "):
        name, _, rest = sentence.partition(" ")
        for place in re.findall(rf"(?:^|, ){told} (\w+)", rest):
            known.setdefault(name, set()).add(place)
    for name, place in re.findall(asked.format(r"(\w+)") + r" (\w+) \.", text):
        known.setdefault(name, set()).add(place)
    people = {name: said for name, said in known.items() if name[0].isupper()}
    assert len(people) > 500
    assert all(len(said) == 1 for said in people.values())


def test_an_order_is_told_once_and_recalled_word_by_word() -> None:
    recalls = 0
    for document in islice(stream("train", 8), 500):
        for first, again in (("sings", "sings again"), ("packs", "unpacks")):
            told = re.findall(rf"the \w+ {first} : ([\w ]+) \.", document)
            recalled = re.findall(rf"the \w+ {again} : ([\w ]+) \.", document)
            assert len(told) <= 1
            assert set(recalled) <= set(told)
            recalls += len(recalled)
    assert recalls > 300
