"""Skipping attention, MLP or blocks: against a model whose own matrices were zeroed, or whose blocks were taken out."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import ModuleList

from engine.errors import LesionError
from engine.methods import bypass
from engine.methods.skip import skip
from engine.models.architecture import architecture
from engine.models.loading import LoadedModel, load
from engine.profile import ModelSpec
from engine.weights.draws import Draws
from tests.models.variants import VARIANTS, build

FAMILIES = ["llama", "gpt2", "neox"]


def opened(folder: Path) -> LoadedModel:
    return load(ModelSpec(names=(str(folder),)), str(folder), torch.device("cpu"))


@torch.no_grad()
def logits(model: Any, **keys: Any) -> Tensor:
    tokens = torch.arange(3, 25).view(2, 11)
    found: Tensor = model(tokens, attention_mask=torch.ones_like(tokens), **keys).logits
    return found


def skipped(loaded: LoadedModel, group: str, layers: Any, level: float, seed: int, undo: ExitStack) -> int:
    slices = loaded.architecture.slices(group, layers)
    return bypass("skip", loaded, group, slices, level, seed, undo)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("group", ["attn_all", "mlp_only"])
def test_a_skipped_part_is_one_whose_output_matrix_and_bias_are_zero(
    tiny_models: dict[str, Path], family: str, group: str
) -> None:
    loaded, zeroed = opened(tiny_models[family]), opened(tiny_models[family])
    part = zeroed.architecture.attention(1) if group == "attn_all" else zeroed.architecture.mlp(1)
    with torch.no_grad():
        for parameter in part.exit.parameters():
            parameter.zero_()
    before = logits(loaded.model)
    with ExitStack() as undo:
        expected = sum(piece.numel for piece in loaded.architecture.slices(group, (1,)))
        assert skipped(loaded, group, (1,), 1.0, 3, undo) == expected
        assert torch.equal(logits(loaded.model), logits(zeroed.model))
        assert not torch.equal(logits(loaded.model), before)
    assert torch.equal(logits(loaded.model), before)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_skipped_block_is_one_taken_out(tiny_models: dict[str, Path], family: str) -> None:
    loaded, shorter = opened(tiny_models[family]), opened(tiny_models[family])
    owner = shorter.architecture.decoder
    name = next(name for name, child in owner.named_children() if isinstance(child, ModuleList))
    setattr(owner, name, ModuleList([getattr(owner, name)[1]]))
    shorter.model.config.num_hidden_layers = 1
    with ExitStack() as undo:
        skipped(loaded, "all", (0,), 1.0, 3, undo)
        assert torch.equal(logits(loaded.model, use_cache=False), logits(shorter.model, use_cache=False))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_generation_with_a_cache_is_the_one_without(tiny_models: dict[str, Path], family: str) -> None:
    loaded = opened(tiny_models[family])
    tokens = torch.arange(5, 17).view(1, 12)
    keys = {"attention_mask": torch.ones_like(tokens), "max_new_tokens": 12, "do_sample": False, "pad_token_id": 0}
    for group in ("attn_all", "mlp_only", "all"):
        with ExitStack() as undo:
            skipped(loaded, group, (0,), 1.0, 3, undo)
            texts = [loaded.model.generate(tokens, use_cache=cached, **keys).tolist() for cached in (True, False)]
            assert texts[0] == texts[1]


def test_layers_are_drawn_nested_and_each_by_its_own_number(tiny_models: dict[str, Path]) -> None:
    loaded = opened(tiny_models["llama"])
    size = sum(piece.numel for piece in loaded.architecture.slices("all", (0,)))
    counts = []
    for seed in range(200):
        found = []
        for level in (0.2, 0.6, 1.0):
            with ExitStack() as undo:
                found.append(skipped(loaded, "all", None, level, seed, undo) // size)
        assert found[0] <= found[1] <= found[2] == 2
        counts.append(found[1])
    assert abs(sum(counts) / 400 - 0.6) < 5 * (0.24 / 400) ** 0.5


def test_what_cannot_be_skipped(tiny_models: dict[str, Path]) -> None:
    with ExitStack() as undo, pytest.raises(LesionError, match="cannot be done to attn_q; only to attn_all, mlp_only"):
        skipped(opened(tiny_models["llama"]), "attn_q", None, 1.0, 1, undo)


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_in_every_family_the_residual_stream_passes_unchanged(variant: str) -> None:
    """Attention and MLP: against a model in which all of their matrices and biases are zero. Blocks: bit by bit."""
    model = build(variant)
    parts = architecture(model)
    for group in ("attn_all", "mlp_only"):
        zeroed = build(variant)
        silent = architecture(zeroed)
        part = silent.attention(1) if group == "attn_all" else silent.mlp(1)
        for parameter in (*part.entry.parameters(), *part.exit.parameters()):
            parameter.zero_()
        with skip(parts, group, {1}, 1.0, Draws(1)):
            assert torch.equal(logits(model, use_cache=False), logits(zeroed, use_cache=False)), group
    seen: list[Any] = []
    with skip(parts, "all", {0, 1}, 1.0, Draws(1)):
        for block in parts.blocks:
            block.register_forward_hook(lambda _, given, output: seen.extend((given[0], output)))
        logits(model, use_cache=False)
    first, *later = (each[0] if isinstance(each, tuple) else each for each in seen)
    assert all(torch.equal(each.view(torch.int32), first.view(torch.int32)) for each in later)
