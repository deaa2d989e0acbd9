"""The search for a catalyst ends at real tokens, and says how many of them it made others."""

from typing import Any

import pytest
import torch

from engine.models.loading import LoadedModel, load
from engine.profile import ModelSpec
from engine.progress import silent
from engine.training.catalyst import Catalyst, search
from engine.training.drawing import random_tokens
from engine.training.options import CatalystOptions


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    return load(ModelSpec(names=("petri-60k",)), "petri-60k", torch.device("cpu"))


def sought(loaded: LoadedModel, **options: Any) -> Catalyst:
    parameters = list(loaded.model.parameters())
    loaded.model.requires_grad_(True)
    chosen = CatalystOptions(length=32, directions=2, iterations=10, search_steps=40, **options)
    made = search(loaded, parameters, chosen, 43, silent)
    loaded.model.requires_grad_(False)
    return made


@pytest.mark.parametrize("objective", ["loss", "null_projection"])
def test_by_default_most_tokens_become_others(loaded: LoadedModel, objective: str) -> None:
    made = sought(loaded, objective=objective)
    begun = random_tokens(loaded, 32, 43)
    assert made.moved == int((made.ids != begun).sum()) > 16
    assert made.reached is not None
    if objective == "loss":  # of a slope's projection nothing is promised once embeddings are real tokens again
        assert made.reached[1] > made.reached[0]


def test_with_the_published_rate_the_treatment_is_its_control(loaded: LoadedModel) -> None:
    made = sought(loaded, search_rate=0.01)
    assert made.moved == 0
    assert torch.equal(made.ids, random_tokens(loaded, 32, 43))
    assert made.objective[-1] > made.objective[0]  # the embeddings did move
