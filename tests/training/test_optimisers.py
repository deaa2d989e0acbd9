"""Steps against loops written by hand, bit for bit; what may not change does not."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
import torch
from bitsandbytes.optim import AdamW8bit
from torch import nn
from torch.optim import SGD, Adafactor, AdamW

from engine.models.loading import LoadedModel
from engine.training.options import TrainingOptions
from engine.weights.snapshot import digest
from tests.training.conftest import plain_loop, trained

Open = Callable[..., LoadedModel]

_RATE = 1e-3
OPTIMISERS: dict[str, tuple[dict[str, Any], Callable[[list[nn.Parameter]], Any]]] = {
    "adamw": (
        {"betas": (0.8, 0.95), "weight_decay": 0.1},
        lambda some: AdamW(some, lr=_RATE, betas=(0.8, 0.95), weight_decay=0.1),
    ),
    "sgd": ({"momentum": 0.9}, lambda some: SGD(some, lr=_RATE, momentum=0.9)),
    "adafactor": ({}, lambda some: Adafactor(some, lr=_RATE, weight_decay=0.0)),
    "adamw8bit": ({}, lambda some: AdamW8bit(some, lr=_RATE, weight_decay=0.0)),
}


def options(**given: Any) -> TrainingOptions:
    return TrainingOptions.model_validate({"learning_rate": _RATE, **given})


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("name", list(OPTIMISERS))
def test_twenty_steps_are_those_of_a_plain_loop(
    name: str, checkpointing: bool, open_model: Open, undo: ExitStack
) -> None:
    ours, theirs = open_model(), open_model()
    more, make = OPTIMISERS[name]
    before = digest(ours.model)
    trained(ours, "all", options(optimiser=name, checkpointing=checkpointing, **more), undo)
    plain_loop(theirs.model, make)
    assert digest(ours.model) == digest(theirs.model) != before


def test_a_clipped_gradient(open_model: Open, undo: ExitStack) -> None:
    """torch adds 1e-6 to the length, so the last digits differ."""
    ours, theirs = open_model(), open_model()
    trained(ours, "all", options(optimiser="sgd", clip=0.1), undo)
    plain_loop(theirs.model, lambda some: SGD(some, lr=_RATE), clip=0.1)
    for one, other in zip(ours.model.parameters(), theirs.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["adamw", "sgd", "adafactor", "adamw8bit"])
def test_only_the_slices_change(name: str, open_model: Open, undo: ExitStack) -> None:
    """The values of a fused projection train, its queries and keys stay as they are to the bit, decay or not."""
    loaded = open_model("petri-16k")
    before = {key: value.clone() for key, value in loaded.model.state_dict().items()}
    trained(loaded, "attn_only", options(optimiser=name, weight_decay=0.1), undo)
    slices = loaded.architecture.slices("attn_only")
    touched = {piece.parameter for piece in slices}
    for key, value in loaded.model.state_dict().items():
        if key not in touched:
            assert torch.equal(value, before[key]), key
    for piece in slices:
        changed = loaded.model.state_dict()[piece.parameter] != before[piece.parameter]
        inside = int(changed.sum())
        assert 0.9 * piece.numel < inside <= piece.numel
        assert int((piece.cut(changed)).sum()) == inside


def test_a_walk_is_taken_up_where_it_was_left(open_model: Open, undo: ExitStack) -> None:
    ours, theirs = open_model(), open_model()
    trainer = trained(ours, "all", options(), undo, steps=12)
    with trainer.training():
        from tests.training.conftest import example

        for _ in range(8):
            trainer.step(example())
    trained(theirs, "all", options(), undo)
    assert digest(ours.model) == digest(theirs.model)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_sixteen_bits_take_small_steps_by_stochastic_rounding(dtype: str, open_model: Open, undo: ExitStack) -> None:
    """Steps of 1e-6 are far below the spacing of weights near 0.1: rounded to the nearest, none is taken."""
    moving = open_model(dtype=dtype)
    before = moving.architecture.slices("mlp_only")[0].gather().float().clone()
    tiny = {"learning_rate": 1e-6, "optimiser": "adamw"}
    trained(moving, "mlp_only", TrainingOptions.model_validate(tiny), undo)
    large = before.abs() > 0.1
    moved = moving.architecture.slices("mlp_only")[0].gather().float()
    assert torch.isfinite(moved).all()
    assert 0 < int((moved[large] != before[large]).sum()) < 0.2 * int(large.sum())
    if dtype == "bfloat16":  # AdamW by itself divides by zero in float16
        stuck = open_model(dtype=dtype)
        trained(stuck, "mlp_only", TrainingOptions.model_validate({**tiny, "rounding": "nearest"}), undo)
        assert torch.equal(stuck.architecture.slices("mlp_only")[0].gather().float()[large], before[large])
    again = open_model(dtype=dtype)
    trained(again, "mlp_only", TrainingOptions.model_validate(tiny), undo)
    assert digest(again.model) == digest(moving.model)
