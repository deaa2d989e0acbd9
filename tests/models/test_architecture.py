"""Parameter groups as exact slices, with the key-value cache as the witness."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.errors import LesionError
from engine.methods import apply
from engine.models.architecture import architecture
from engine.models.cache import kept
from engine.models.loading import LoadedModel, load
from engine.petri import PETRI
from engine.profile import ModelSpec
from engine.weights.slices import Slice

FAMILIES = ["neox", "gpt2", "llama", "petri"]
WEIGHT_GROUPS = ["attn_only", "mlp_only", "embed_only", "attn_q", "attn_k", "attn_v", "attn_o", "attn_all"]
IDS = torch.tensor([[5, 17, 101, 33, 8, 90]])


@pytest.fixture
def loaded(request: pytest.FixtureRequest, tiny_models: dict[str, Path]) -> LoadedModel:
    folder = str((tiny_models | {"petri": PETRI["petri-60k"]})[request.param])
    return load(ModelSpec(names=(folder,)), folder, torch.device("cpu"))


def cache(model: Any) -> list[tuple[Tensor, Tensor]]:
    """Keys and values [1, heads, tokens, size] of every block."""
    with torch.no_grad():
        whole = kept(model(IDS, use_cache=True))
    return [(layer.keys.clone(), layer.values.clone()) for layer in whole.layers]


def indices(piece: Slice) -> set[int]:
    """The flat indices of a slice in its parameter, by marking them."""
    before = piece.gather().clone()
    whole = piece.tensor.detach()
    kept = whole.clone()
    whole.fill_(0)
    piece.scatter(torch.ones_like(before))
    marked = set(whole.flatten().nonzero().flatten().tolist())
    whole.copy_(kept)
    return marked


def value_bias(loaded: LoadedModel, layer: int, heads: int, size: int) -> Tensor:
    """The bias of every value head [heads, size], read from the model by hand."""
    block: Any = loaded.architecture.blocks[layer]
    width = heads * size
    if hasattr(block, "attention"):
        fused: Tensor = block.attention.query_key_value.bias
        return fused.view(heads, 3, size)[:, 2]
    if hasattr(block, "attn"):
        stacked: Tensor = block.attn.c_attn.bias
        return stacked[2 * width :].view(heads, size)
    return torch.zeros(heads, size)


@pytest.mark.parametrize("loaded", FAMILIES, indirect=True)
def test_zeroed_values_leave_queries_and_keys_and_only_the_bias(loaded: LoadedModel) -> None:
    before = cache(loaded.model)
    others = {piece: piece.gather().clone() for g in ("attn_q", "attn_k") for piece in loaded.architecture.slices(g)}
    apply("ablation", loaded.architecture.slices("attn_v"), 1.0, 0)
    after = cache(loaded.model)
    assert torch.equal(before[0][0], after[0][0])
    for piece, weights in others.items():
        assert torch.equal(piece.gather(), weights)
    for layer, (_, values) in enumerate(after):
        _, heads, tokens, size = values.shape
        bias = value_bias(loaded, layer, heads, size)
        for head in range(heads):
            assert torch.equal(values[0, head], bias[head].expand(tokens, size)), (layer, head)


@pytest.mark.parametrize("loaded", FAMILIES, indirect=True)
def test_one_layers_keys_change_that_layer_first_and_no_value(loaded: LoadedModel) -> None:
    before = cache(loaded.model)
    apply("ablation", loaded.architecture.slices("attn_k", (1,)), 1.0, 0)
    after = cache(loaded.model)
    assert torch.equal(before[0][0], after[0][0])
    assert torch.equal(before[1][1], after[1][1])
    assert not torch.equal(before[1][0], after[1][0])


@pytest.mark.parametrize("loaded", FAMILIES, indirect=True)
def test_zeroed_queries_change_neither_keys_nor_values(loaded: LoadedModel) -> None:
    before = cache(loaded.model)
    apply("ablation", loaded.architecture.slices("attn_q", (0,)), 1.0, 0)
    after = cache(loaded.model)
    assert torch.equal(before[0][0], after[0][0])
    assert torch.equal(before[0][1], after[0][1])
    assert not torch.equal(before[1][1], after[1][1])


@pytest.mark.parametrize("loaded", ["neox", "gpt2", "petri"], indirect=True)
def test_queries_keys_and_values_partition_the_fused_tensor(loaded: LoadedModel) -> None:
    for layer in range(len(loaded.architecture.blocks)):
        q, k, v = (loaded.architecture.slices(group, (layer,))[0] for group in ("attn_q", "attn_k", "attn_v"))
        assert q.tensor is k.tensor is v.tensor
        parts = [indices(piece) for piece in (q, k, v)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == q.tensor.numel()


@pytest.mark.parametrize("loaded", FAMILIES, indirect=True)
def test_chunks_are_the_slice(loaded: LoadedModel) -> None:
    for piece in loaded.architecture.slices("attn_all") + loaded.architecture.slices("all"):
        found: list[int] = []
        flat = torch.arange(piece.tensor.numel()).view(piece.tensor.shape)
        for chunk in piece.chunks():
            runs, length = chunk.view.shape
            positions = chunk.start + torch.arange(runs)[:, None] * chunk.stride + torch.arange(length)
            assert torch.equal(chunk.view, piece.tensor.detach().flatten()[positions])
            found += positions.flatten().tolist()
        ranges = piece.ranges or ((0, piece.tensor.shape[piece.dim]),)
        expected = torch.cat([flat.narrow(piece.dim, low, high - low) for low, high in ranges], piece.dim)
        assert sorted(found) == sorted(expected.flatten().tolist())


@pytest.mark.parametrize("loaded", FAMILIES, indirect=True)
def test_groups_count_what_they_should(loaded: LoadedModel) -> None:
    parts, config = loaded.architecture, loaded.model.config
    sizes = {group: sum(piece.numel for piece in parts.slices(group)) for group in [*WEIGHT_GROUPS, "norms", "all"]}
    layers, hidden, ff = len(parts.blocks), config.hidden_size, 48
    kv = hidden // 2 if parts.name == "llama" else hidden
    if "petri" in loaded.name:
        ff = 4 * hidden
    assert sizes["attn_q"] == sizes["attn_o"] == layers * hidden * hidden
    assert sizes["attn_k"] == sizes["attn_v"] == sizes["attn_only"] == layers * hidden * kv
    assert sizes["attn_all"] == 2 * layers * hidden * (hidden + kv)
    assert sizes["mlp_only"] == layers * hidden * ff * (3 if parts.name == "llama" else 2)
    assert sizes["norms"] == (2 * layers + 1) * hidden
    assert sizes["embed_only"] == config.vocab_size * hidden
    assert sizes["all"] == sum(parameter.numel() for parameter in loaded.model.parameters())
    assert parts.tied == (parts.name == "gpt2")


@pytest.mark.parametrize("loaded", FAMILIES, indirect=True)
def test_whole_tensors_are_addressed_in_place_and_biases_only_by_all(loaded: LoadedModel) -> None:
    for group in WEIGHT_GROUPS:
        for piece in loaded.architecture.slices(group):
            assert not piece.parameter.endswith("bias")
            assert dict(loaded.model.named_parameters())[piece.parameter] is piece.tensor
            if piece.ranges is None:
                assert piece.gather().data_ptr() == piece.tensor.data_ptr()
    everything = loaded.architecture.slices("all")
    assert len({piece.tensor.data_ptr() for piece in everything}) == len(everything)
    assert any("norm" in piece.parameter or "ln_" in piece.parameter for piece in everything)


@pytest.mark.parametrize("loaded", FAMILIES, indirect=True)
def test_layers_narrow_a_group(loaded: LoadedModel) -> None:
    parts = loaded.architecture
    assert {piece.layer for piece in parts.slices("attn_all", "last 1")} == {len(parts.blocks) - 1}
    narrowed = parts.slices("all", (1,))
    assert {id(piece.tensor) for piece in narrowed} == {id(parameter) for parameter in parts.blocks[1].parameters()}
    matrices = [id(parameter) for parameter in parts.blocks[1].parameters() if parameter.dim() > 1]
    assert [id(piece.tensor) for piece in parts.slices("matrices", (1,))] == matrices
    with pytest.raises(LesionError, match="the model has"):
        parts.slices("mlp_only", "0-9")
    with pytest.raises(LesionError, match="lies outside the layers"):
        parts.slices("embed_only", (0,))


def test_the_name_of_the_class_does_not_matter(tiny_models: dict[str, Path]) -> None:
    from transformers import LlamaForCausalLM

    class Wonder(LlamaForCausalLM):  # type: ignore[misc]  # its package is not followed by mypy
        pass

    assert architecture(Wonder.from_pretrained(tiny_models["llama"])).name == "llama"


def test_an_unknown_architecture_is_named_with_what_is_supported() -> None:
    from transformers import CTRLConfig, CTRLLMHeadModel

    model = CTRLLMHeadModel(CTRLConfig(vocab_size=64, n_embd=16, n_layer=1, n_head=2, dff=16))
    with pytest.raises(LesionError, match=r"CTRLLMHeadModel is not supported.*neox.*gpt2.*llama"):
        architecture(model)
