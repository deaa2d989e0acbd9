"""Gradient scores against plain autograd in float64, one window at a time without padding."""

import weakref
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.models.loading import LoadedModel, load
from engine.profile import ModelSpec
from engine.scores import ScoreSpec, rank, select
from engine.weights.snapshot import weights_digest
from tests.scores.conftest import FAMILIES, windows


def gradients(loaded: LoadedModel, context: int) -> list[tuple[dict[str, Tensor], int]]:
    """Of every window: the gradient of its summed loss, float64 by parameter, and how many tokens it predicts."""
    model = deepcopy(loaded.model).double().requires_grad_(True)
    found = []
    for ids in windows(loaded, context):
        logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
        loss = -torch.log_softmax(logits[:-1], dim=-1)[range(len(ids) - 1), ids[1:]].sum()
        model.zero_grad()
        loss.backward()
        grads = {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in model.named_parameters()}
        found.append(({name: grad.clone() for name, grad in grads.items()}, len(ids) - 1))
    return found


def scored(loaded: LoadedModel, spec: ScoreSpec, group: str = "all") -> dict[str, Tensor]:
    """Every score of a group, as the engine gives it: 0 where it scores nothing."""
    ranking = rank(loaded.architecture.slices(group), loaded, spec, 1.0, largest=True)
    shapes = dict(zip(ranking.names, ranking.shapes, strict=True))
    found = {name: torch.zeros(shape).flatten() for name, shape in shapes.items()}
    for place, name in enumerate(ranking.names):
        here = ranking.parameters == place
        found[name][ranking.indices[here]] = ranking.scores[here]
    return {name: scores.view(shapes[name]) for name, scores in found.items()}


def assert_near(found: Tensor, expected: Tensor) -> None:
    # A key bias has no gradient but rounding, since softmax ignores it: exact beside its tensor's largest score only.
    assert torch.allclose(found.double(), expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("batch_size", [1, 2, 16])
@pytest.mark.parametrize("name", FAMILIES)
def test_grad_x_weight_is_the_gradient_of_the_mean_loss_times_the_weight(
    subjects: dict[str, LoadedModel], text: Callable[..., str], name: str, batch_size: int
) -> None:
    loaded = subjects[name]
    spec = ScoreSpec("grad_x_weight", text=text(), context=24, batch_size=batch_size)
    every = gradients(loaded, 24)
    tokens = sum(count for _, count in every)
    found = scored(loaded, spec)
    assert found.keys() == dict(loaded.model.named_parameters()).keys()
    for parameter, weights in loaded.model.named_parameters():
        gradient = sum(grads[parameter] for grads, _ in every) / tokens
        assert_near(found[parameter], (gradient * weights.double()).abs())


@pytest.mark.parametrize("name", FAMILIES)
def test_grad_squared_is_the_mean_over_windows(
    subjects: dict[str, LoadedModel], text: Callable[..., str], name: str
) -> None:
    loaded = subjects[name]
    every = gradients(loaded, 24)
    found = scored(loaded, ScoreSpec("grad_squared", text=text(), context=24, batch_size=3))
    for parameter, _ in loaded.model.named_parameters():
        squares = [(grads[parameter] / count) ** 2 for grads, count in every]
        assert_near(found[parameter], torch.stack(squares).mean(0))


def test_a_narrow_group_has_the_same_scores_and_only_its_own(
    subjects: dict[str, LoadedModel], text: Callable[..., str]
) -> None:
    loaded = subjects["neox"]
    spec = ScoreSpec("grad_x_weight", text=text())
    values, everything = scored(loaded, spec, "attn_v"), scored(loaded, spec)
    for piece in loaded.architecture.slices("attn_v"):
        assert torch.allclose(piece.cut(values[piece.parameter]), piece.cut(everything[piece.parameter]), rtol=1e-4)
        assert int((values[piece.parameter] != 0).sum()) <= piece.numel < values[piece.parameter].numel()


@pytest.mark.parametrize("name", ["grad_x_weight", "grad_squared"])
def test_one_batch_keeps_one_gradient_at_a_time(
    subjects: dict[str, LoadedModel], text: Callable[..., str], name: str
) -> None:
    loaded = subjects["llama"]
    parameters = list(loaded.model.parameters())
    alive: list[int] = []
    seen: list[weakref.ref[Tensor]] = []

    def count(parameter: Tensor) -> None:
        alive.append(sum(p.grad is not None for p in parameters) + sum(old() is not None for old in seen))
        assert parameter.grad is not None
        seen.append(weakref.ref(parameter.grad))

    loaded.model.requires_grad_(True)
    hooks = [parameter.register_post_accumulate_grad_hook(count) for parameter in parameters]
    try:
        spec = ScoreSpec(name, text=text("One document."), batch_size=4)
        select(loaded.architecture.slices("all"), loaded, spec, 10, largest=True)
        assert all(parameter.requires_grad for parameter in parameters)
    finally:
        for hook in hooks:
            hook.remove()
        loaded.model.requires_grad_(False)
    assert alive == [1] * len(parameters)


def test_the_model_is_left_as_it_was(subjects: dict[str, LoadedModel], text: Callable[..., str]) -> None:
    loaded = subjects["gpt2"]
    slices = loaded.architecture.slices("mlp_only")
    before = weights_digest(loaded.model)
    quiet = select(slices, loaded, ScoreSpec("grad_x_weight", text=text()), 50, largest=True)
    loaded.model.transformer.h[0].train()  # dropout is 0.1 in this model
    try:
        with torch.inference_mode():
            loud = select(slices, loaded, ScoreSpec("grad_x_weight", text=text()), 50, largest=True)
        assert loaded.model.transformer.h[0].attn.training
        assert not loaded.model.transformer.h[1].training
    finally:
        loaded.model.eval()
    assert all(torch.equal(quiet[name], loud[name]) for name in quiet | loud)
    assert weights_digest(loaded.model) == before
    assert all(p.grad is None and not p.requires_grad for p in loaded.model.parameters())


@pytest.mark.parametrize("batch_size", [1, 16])
def test_a_model_in_half_precision_is_scored_in_single(
    tiny_models: dict[str, Path], subjects: dict[str, LoadedModel], text: Callable[..., str], batch_size: int
) -> None:
    folder = str(tiny_models["llama"])
    half = load(ModelSpec(names=(folder,), dtype="bfloat16"), folder, torch.device("cpu"))
    spec = ScoreSpec("grad_x_weight", text=text(), batch_size=batch_size)
    rough, exact = scored(half, spec, "mlp_only"), scored(subjects["llama"], spec, "mlp_only")
    for name in exact:
        assert rough[name].dtype == torch.float32
        assert float(torch.corrcoef(torch.stack([rough[name].flatten(), exact[name].flatten()]))[0, 1]) > 0.99
        # A product of two bfloat16 numbers has more digits than one has.
        assert (rough[name] != rough[name].bfloat16().float()).float().mean() > 0.5
