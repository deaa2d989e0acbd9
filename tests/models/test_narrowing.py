"""Groups narrowed to heads and experts: exactly theirs change, and what is not there is refused."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.errors import LesionError
from tests.models.variants import LAYERS, VARIANTS, build, layout
from tests.models.witness import OTHER, Subject, marked, scale

MIXTURES = [name for name in VARIANTS if layout(name) == "moe"]
JOINT_NORM = ["OLMo-2"]
"""Where one norm over all heads together makes every head's query and key depend on the other heads' weights."""

pytestmark = pytest.mark.usefixtures("no_gradients")


@pytest.mark.parametrize("variant", VARIANTS)
def test_key_value_heads_narrow_values_and_keys(variant: str) -> None:
    subject = Subject(build(variant))
    count = subject.parts.attentions[0].kv_heads
    before = subject.cache()
    scale(subject.parts.slices("attn_v", (0,), heads="last 1"), 0.0)
    scale(subject.parts.slices("attn_k", (0,), heads=(0,)), 0.0)
    (new_keys, new_values), (other_keys, other_values) = subject.cache()[0], subject.cache(OTHER)[0]
    shown = new_values.shape[1]  # Falcon repeats a key-value head for each of its query heads
    for place in range(shown):
        head = place * count // shown
        same = torch.equal(before[0][1][:, place], new_values[:, place])
        assert same == (head != count - 1)
        assert torch.equal(new_values[:, place], other_values[:, place]) == (head == count - 1)
        assert torch.equal(new_keys[:, place], other_keys[:, place]) == (head == 0)
        if variant not in JOINT_NORM:
            assert torch.equal(before[0][0][:, place], new_keys[:, place]) == (head != 0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_query_heads_narrow_queries(variant: str) -> None:
    subject = Subject(build(variant))
    heads, exit_ = subject.parts.attentions[0].heads, subject.parts.attention(0).exit
    before = subject.received(exit_).unflatten(-1, (heads, -1))
    scale(subject.parts.slices("attn_q", (0,), heads=(1,)), 0.0)
    after = subject.received(exit_).unflatten(-1, (heads, -1))
    for head in range(heads):
        same = torch.equal(before[..., head, :], after[..., head, :])
        assert same == (head != 1) or (variant in JOINT_NORM and head != 1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_query_heads_narrow_the_output_projection(variant: str) -> None:
    """Without its columns, what a head says goes nowhere, and every other head is heard."""
    subject = Subject(build(variant))
    heads, exit_ = subject.parts.attentions[0].heads, subject.parts.attention(0).exit
    scale(subject.parts.slices("attn_o", (0,), heads=(2,)), 0.0)
    heard = subject.returned(exit_)

    def silence(head: int) -> Callable[[Tensor], Tensor]:
        def changed(mixed: Tensor) -> Tensor:
            mixed.unflatten(-1, (heads, -1))[..., head, :] = 0
            return mixed

        return changed

    for head in range(heads):
        assert torch.equal(subject.answer(exit_, silence(head)), heard) == (head == 2)


@pytest.mark.parametrize("variant", VARIANTS)
def test_all_heads_are_the_whole_group(variant: str) -> None:
    parts = Subject(build(variant)).parts
    for group in ("attn_q", "attn_k", "attn_v", "attn_o", "attn_only"):
        shared = group in ("attn_k", "attn_v", "attn_only")
        count = parts.attentions[0].kv_heads if shared else parts.attentions[0].heads
        one_by_one = marked([piece for head in range(count) for piece in parts.slices(group, heads=(head,))])
        whole = marked(parts.slices(group))
        assert all(torch.equal(whole[name], counts) for name, counts in one_by_one.items())
        with pytest.raises(LesionError, match=rf"heads \({count},\) do not exist: the model has {count} "):
            parts.slices(group, heads=(count,))


def test_all_projections_of_a_head_only_where_heads_are_of_one_kind() -> None:
    assert Subject(build("Llama, multi-head")).parts.slices("attn_all", heads="0-1")
    with pytest.raises(LesionError, match="4 query heads and 2 key-value heads"):
        Subject(build("Llama")).parts.slices("attn_all", heads="0-1")


@pytest.mark.parametrize("variant", MIXTURES)
def test_experts_narrow_the_mlp(variant: str) -> None:
    """Tokens that were sent to the expert change, all others do not."""
    subject = Subject(build(variant))
    mlp: Any = subject.parts.blocks[-1].mlp
    layer = LAYERS - 1
    ids = torch.arange(1, 41)[None]
    scores = subject.returned(mlp.gate, ids)
    sent = (scores.topk(2).indices == 3).any(-1)
    assert sent.any()
    assert not sent.all()
    for group in ("mlp_only", "mlp_gate", "mlp_up", "mlp_down"):
        fresh = Subject(build(variant))
        exit_ = fresh.parts.mlp(layer).exit
        before = fresh.returned(exit_, ids)[0]
        scale(fresh.parts.slices(group, (layer,), experts=(3,)), 0.0)
        changed = (fresh.returned(exit_, ids)[0] != before).any(-1)
        assert torch.equal(changed, sent), group


@pytest.mark.parametrize("variant", MIXTURES)
def test_experts_narrow_the_router(variant: str) -> None:
    subject = Subject(build(variant))
    mlp: Any = subject.parts.blocks[-1].mlp
    before = subject.returned(mlp.gate)
    scale(subject.parts.slices("router", "last 1", experts="last 2"), 0.0)
    after = subject.returned(mlp.gate)
    assert (after[:, 3:] == 0).all()
    assert torch.allclose(after[:, :3], before[:, :3])


@pytest.mark.parametrize("variant", MIXTURES)
def test_slices_of_experts_are_matrices_of_their_own(variant: str) -> None:
    parts = Subject(build(variant)).parts
    pieces = parts.slices("mlp_only", "last 1")
    assert sum(piece.expert is not None for piece in pieces) == 15
    for piece in pieces:
        assert len(piece.shape) == 2
        flat = piece.tensor.flatten()
        found = torch.cat([flat[chunk.start : chunk.start + chunk.view.numel()] for chunk in piece.chunks()])
        assert torch.equal(found, piece.gather().flatten())
        assert piece.cut(piece.tensor).shape == piece.shape


def test_what_is_not_there_is_refused() -> None:
    dense = Subject(build("GPT-2")).parts
    with pytest.raises(LesionError, match="mlp_gate is not applicable to this gpt2 model"):
        dense.slices("mlp_gate")
    with pytest.raises(LesionError, match="experts of mlp_only is not applicable"):
        dense.slices("mlp_only", experts="0-1")
    with pytest.raises(LesionError, match="heads narrow nothing in mlp_only, which has no heads"):
        dense.slices("mlp_only", heads="0-1")
    with pytest.raises(LesionError, match="experts narrow nothing in attn_q"):
        dense.slices("attn_q", experts="0-1")
    mixed = Subject(build("Qwen3-MoE, first block dense")).parts
    assert {piece.layer for piece in mixed.slices("router")} == {1}
    assert {piece.layer for piece in mixed.slices("mlp_only", experts=(0,))} == {1}
    with pytest.raises(LesionError, match="router is not applicable to these layers of this moe model"):
        mixed.slices("router", (0,))
