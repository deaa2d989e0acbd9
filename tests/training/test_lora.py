"""Adapters, against peft used by hand."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim import AdamW

from engine.errors import LesionError
from engine.models.loading import LoadedModel
from engine.training.options import TrainingOptions
from engine.training.trainer import Trainer
from engine.weights.snapshot import digest
from tests.training.conftest import STEPS, example, loss_of

peft = pytest.importorskip("peft")
Open = Callable[..., LoadedModel]
LORA = TrainingOptions(trainable="lora", lora_rank=4, lora_alpha=8.0, learning_rate=1e-2)


@pytest.mark.parametrize("family", ["petri", "llama", "gpt2"])
def test_twenty_steps_are_those_of_peft(
    family: str, open_model: Open, undo: ExitStack, tiny_models: dict[str, Path]
) -> None:
    folder = "petri-16k" if family == "petri" else tiny_models[family]
    ours, theirs = open_model(folder), open_model(folder)
    trainer = Trainer(ours, ours.architecture.slices("mlp_only"), LORA, 7, undo)
    names = [name.removesuffix(".weight.a") for name in trainer.parameters if name.endswith(".a")]
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=names, fan_in_fan_out=family == "gpt2")
    beside: Any = peft.inject_adapter_in_model(config, theirs.model)
    adapters = {name: beside.get_submodule(name) for name in names}
    for name, module in adapters.items():
        module.lora_A["default"].weight.data = trainer.parameters[f"{name}.weight.a"].detach().clone()
    optimiser = AdamW([p for p in beside.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.0)
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss_of(beside, example().ids).backward()
        optimiser.step()
    with trainer.training():
        for _ in range(STEPS):
            trainer.step(example())
    total = 0.0
    for name, module in adapters.items():
        torch.testing.assert_close(trainer.parameters[f"{name}.weight.a"].data, module.lora_A["default"].weight.data)
        torch.testing.assert_close(trainer.parameters[f"{name}.weight.b"].data, module.lora_B["default"].weight.data)
        total += float(module.get_delta_weight("default").detach().double().square().sum())
    assert trainer.distance() == pytest.approx(total**0.5, rel=1e-4)


def test_the_weights_stay_and_what_was_added_goes(open_model: Open) -> None:
    loaded = open_model("petri-16k")
    ids, before = example().ids, digest(loaded.model)
    plain = loaded.model(input_ids=ids).logits
    with ExitStack() as undo:
        trainer = Trainer(loaded, loaded.architecture.slices("attn_all"), LORA, 7, undo)
        assert torch.equal(loaded.model(input_ids=ids).logits, plain)  # B begins at zero
        with trainer.training():
            trainer.step(example())
        assert not torch.equal(loaded.model(input_ids=ids).logits, plain)
        assert digest(loaded.model) == before
    assert torch.equal(loaded.model(input_ids=ids).logits, plain)


@pytest.mark.parametrize(
    ("group", "clause"), [("attn_only", "the group is a part of"), ("norms", "no linear layer is in the group")]
)
def test_groups_that_adapters_do_not_suit(group: str, clause: str, open_model: Open, undo: ExitStack) -> None:
    loaded = open_model("petri-16k")
    with pytest.raises(LesionError, match=clause):
        Trainer(loaded, loaded.architecture.slices(group), LORA, 7, undo)


@pytest.mark.parametrize("load_in", ["8bit", "4bit"])
def test_packed_models_train_by_adapters(load_in: str, open_model: Open, undo: ExitStack) -> None:
    loaded = open_model("petri-250k", load_in=load_in)
    before = digest(loaded.model)
    trainer = Trainer(loaded, loaded.architecture.slices("mlp_only"), LORA, 7, undo)
    with trainer.training():
        losses = [trainer.step(example())[0] for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]
    assert digest(loaded.model) == before
