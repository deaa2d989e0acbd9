"""Multiple choice against log-likelihoods added up token by token in float64, one answer at a time."""

import json
import math
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch

from engine import catalog
from engine.errors import LesionError
from engine.measure.measurement import Measured
from engine.measure.tasks.choices import choices
from engine.measure.tasks.run import Tasks
from engine.measure.tasks.table import TasksMeasure
from engine.models.loading import LoadedModel

QUESTIONS: list[dict[str, Any]] = [
    {"question": "The sky is", "choices": ["blue", "a very long answer indeed", "x"], "answer": 0},
    {"question": "Two and two make", "choices": ["four", "five"], "answer": 1},
    {"question": "why", "choices": ["not", "Größe", "so it goes", "because"], "answer": 2},
    {"question": "A longer question than the other ones", "choices": ["yes", "no"], "answer": 0},
]
FAMILIES = ["llama", "gpt2", "neox", "petri"]


def task_file(folder: Path, questions: list[dict[str, Any]]) -> str:
    path = folder / "task.jsonl"
    path.write_text("\n".join(json.dumps(question) for question in questions) + "\n", encoding="utf-8")
    return str(path)


def tasks(loaded: LoadedModel, task: str, batch_size: int = 4) -> Measured:
    return Tasks(TasksMeasure(task=task), loaded, Path()).run(0, batch_size, lambda done, total: None)


@torch.no_grad()
def by_hand(loaded: LoadedModel, question: str, choice: str) -> float:
    model = deepcopy(loaded.model).double()
    start = len(loaded.tokenizer(question)["input_ids"])
    ids = loaded.tokenizer(f"{question} {choice}")["input_ids"]
    logits = model(input_ids=torch.tensor([ids])).logits[0].tolist()
    total = 0.0
    for place in range(start, len(ids)):
        row = logits[place - 1]
        top = max(row)
        total += row[ids[place]] - top - math.log(math.fsum(math.exp(value - top) for value in row))
    return total


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_agrees_with_log_likelihoods_by_hand(
    name: str, batch_size: int, subjects: dict[str, LoadedModel], tmp_path: Path
) -> None:
    loaded = subjects[name]
    measured = tasks(loaded, task_file(tmp_path, QUESTIONS), batch_size)
    assert measured.artifact is not None
    right = {"accuracy": 0, "accuracy_normalised": 0}
    for asked, found in zip(QUESTIONS, measured.artifact["questions"], strict=True):
        expected = [by_hand(loaded, asked["question"], choice) for choice in asked["choices"]]
        assert found["log_likelihoods"] == pytest.approx(expected, rel=1e-5)
        by_letter = [value / len(choice) for value, choice in zip(expected, asked["choices"], strict=True)]
        right["accuracy"] += expected.index(max(expected)) == asked["answer"]
        right["accuracy_normalised"] += by_letter.index(max(by_letter)) == asked["answer"]
    assert measured.metrics == {key: count / len(QUESTIONS) for key, count in right.items()}


def test_the_petri_task_asks_for_each_ability_as_often() -> None:
    asked = choices(TasksMeasure(task="petri"), Path())
    each = [choices(TasksMeasure(task=name), Path())[:10] for name in catalog.tasks() if name.startswith("petri-")]
    assert len(each) == 5
    assert asked == [one for those in each for one in those]
    assert asked[:3] == choices(TasksMeasure(task="petri", limit=3), Path())


def test_normalised_by_characters(subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    """A model that finds all tokens equally likely prefers the shortest answer, and per letter none: it takes the
    first."""
    loaded = subjects["gpt2"]
    kept = deepcopy(loaded.model.state_dict())
    asked = [{"question": "q", "choices": ["long answer", "no"], "answer": answer} for answer in (1, 0)]
    try:
        with torch.no_grad():
            loaded.model.transformer.ln_f.weight.zero_()
            loaded.model.transformer.ln_f.bias.zero_()
        measured = tasks(loaded, task_file(tmp_path, asked))
    finally:
        loaded.model.load_state_dict(kept)
    assert measured.artifact is not None
    first = measured.artifact["questions"][0]
    assert first["log_likelihoods"] == pytest.approx([-12 * math.log(272), -3 * math.log(272)])
    assert (first["chosen"], first["chosen_normalised"]) == (1, 0)
    assert measured.metrics == {"accuracy": 0.5, "accuracy_normalised": 0.5}


class Walked(list[Any]):
    """A list that counts how often it is walked through."""

    times = 0

    def __iter__(self) -> Iterator[Any]:
        self.times += 1
        return super().__iter__()


def test_answers_take_no_walk_through_all_candidates_each(subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    measurement = Tasks(TasksMeasure(task=task_file(tmp_path, QUESTIONS)), subjects["gpt2"], Path())
    measurement._candidates = candidates = Walked(measurement._candidates)
    found = measurement.run(0, 64, lambda done, total: None).artifact
    assert found is not None
    assert candidates.times == 1
    assert [len(answer["log_likelihoods"]) for answer in found["questions"]] == [3, 2, 4, 2]


def test_a_broken_model_is_right_about_nothing(subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    loaded = subjects["llama"]
    kept = deepcopy(loaded.model.state_dict())
    try:
        with torch.no_grad():
            loaded.model.model.norm.weight.fill_(math.nan)
        measured = tasks(loaded, task_file(tmp_path, QUESTIONS))
    finally:
        loaded.model.load_state_dict(kept)
    assert measured.metrics == {"accuracy": 0.0, "accuracy_normalised": 0.0}


def test_questions_longer_than_the_context_are_refused(subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    long = [{"question": "q" * 60, "choices": ["short", "x"], "answer": 0}]
    with pytest.raises(LesionError, match=r"its choice 'short' has 66 tokens; the model reads at most 64"):
        tasks(subjects["gpt2"], task_file(tmp_path, long))


@pytest.mark.parametrize("name", list(catalog.tasks()))
def test_bundled_tasks_are_different_questions_whose_answers_are_spread_out(name: str) -> None:
    asked = choices(TasksMeasure(task=name), Path())
    assert len({choice.question for choice in asked}) == len(asked)
    assert f"{len(asked)} " in catalog.tasks()[name].summary
    for many in {len(choice.choices) for choice in asked}:
        alike = [choice for choice in asked if len(choice.choices) == many]
        assert all(len(set(choice.choices)) == many for choice in alike)
        places = [sum(choice.answer == place for choice in alike) for place in range(many)]
        assert max(places) - min(places) <= len(catalog.tasks()) - 1
