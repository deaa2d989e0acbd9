"""A model to train, anew for each test, and loops written out by hand to hold ours against."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from engine.models.loading import LoadedModel, load
from engine.profile import ModelSpec
from engine.training.options import TrainingOptions
from engine.training.trainer import Example, Trainer

STEPS = 20


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Models this small only lose by sharing their work out."""
    torch.set_num_threads(1)


@pytest.fixture
def open_model() -> Callable[..., LoadedModel]:
    def open_one(name: str | Path = "petri-4k", **options: Any) -> LoadedModel:
        return load(ModelSpec(names=(str(name),), **options), str(name), torch.device("cpu"))

    return open_one


@pytest.fixture
def undo() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def example(length: int = 16, seed: int = 0) -> Example:
    return Example(torch.randint(0, 60, (1, length), generator=torch.Generator().manual_seed(seed)))


def trained(loaded: LoadedModel, group: str, options: TrainingOptions, undo: ExitStack, steps: int = STEPS) -> Trainer:
    """After so many steps of ours on one example."""
    trainer = Trainer(loaded, loaded.architecture.slices(group), options, 7, undo)
    with trainer.training():
        for _ in range(steps):
            trainer.step(example())
    return trainer


def plain_loop(
    model: nn.Module, make: Callable[[list[nn.Parameter]], Any], *, clip: float | None = None, steps: int = STEPS
) -> None:
    """What anyone would write: all parameters in one optimiser, backward, step."""
    parameters = list(model.parameters())
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimiser = make(parameters)
    for _ in range(steps):
        optimiser.zero_grad()
        loss_of(model, example().ids).backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        optimiser.step()


def loss_of(model: Any, ids: Tensor) -> Tensor:
    logits = model(input_ids=ids).logits.float()
    return cross_entropy(logits[0, :-1], ids[0, 1:])
