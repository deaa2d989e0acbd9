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
    assert held_out(1, 1)[0].startswith("owls are blue , live in Rill and eat pigs . today Hala carri")


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
    in_digits = re.findall(r"(\d+) ([+-]) (\d+) = (\d+) \.", text)
    in_words = re.findall(r"(\w+) (plus|minus|times) (\w+) is (\w+) \.", text)
    told = re.findall(r"has (\w+) \w+ and gets (\w+) more \. now \w+ has (\w+) ", text)
    assert min(len(in_digits), len(in_words), len(told)) > 50
    for left, sign, right, result in in_digits:
        assert int(result) == (int(left) + int(right) if sign == "+" else int(left) - int(right))
    for left, sign, right, result in in_words:
        a, b = VALUE[left], VALUE[right]
        assert VALUE[result] == {"plus": a + b, "minus": a - b, "times": a * b}[sign]
    for first, gained, total in told:
        assert VALUE[first] + VALUE[gained] == VALUE[total]


def test_every_count_keeps_its_step() -> None:
    text = " ".join(islice(stream("train", 6), 1000))
    counts = re.findall(r"count (down|by (\w+)) : ([\w ]+) \.", text)
    assert len(counts) > 50
    for direction, step, run in counts:
        values = [VALUE[word] if word in VALUE else int(word) for word in run.split()]
        expected = -1 if direction == "down" else VALUE[step]
        assert {after - before for before, after in pairwise(values)} == {expected}


def test_facts_hold_in_every_document() -> None:
    homes: dict[str, set[str]] = {}
    text = " ".join(islice(stream("train", 7), 3000))
    for name, place in re.findall(r"(?<!friend of )\b([A-Z]\w+) (?:, who )?lives in (\w+) ", text):
        homes.setdefault(name, set()).add(place)
    assert len(homes) > 60
    assert all(len(places) == 1 for places in homes.values())


def test_what_is_carried_is_recalled_within_the_document() -> None:
    recalls = 0
    for document in islice(stream("train", 8), 500):
        carried = dict(re.findall(r"today (\w+) carries the (\w+) \.", document))
        recalled = re.findall(r"what does (\w+) carry \? the (\w+) \.", document)
        recalled += [(name, item) for item, name in re.findall(r"who carries the (\w+) \? (\w+) \.", document)]
        recalls += len(recalled)
        assert all(carried[name] == item for name, item in recalled)
    assert recalls > 100
