"""Every group of every architecture, shown by what its change does: exactly its own vectors vanish.

`pytest -s -k test_the_table tests/models/test_layouts.py` prints the table architecture × group.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest
import torch
from torch import Tensor

from engine import catalog
from engine.errors import LesionError
from engine.models.architecture import architecture
from tests.models.variants import LAYERS, VARIANTS, VOCABULARY, build, layout
from tests.models.witness import ONE, Subject, blind, marked, scale

MIXTURES = [name for name in VARIANTS if layout(name) == "moe"]
GATED = [name for name in VARIANTS if layout(name) in ("llama", "moe", "phi3")]

pytestmark = pytest.mark.usefixtures("no_gradients")


def keys(subject: Subject, layer: int) -> Callable[[Tensor], Tensor]:
    return lambda ids: subject.cache(ids)[layer][0]


def values(subject: Subject, layer: int) -> Callable[[Tensor], Tensor]:
    return lambda ids: subject.cache(ids)[layer][1]


def seen_values(subject: Subject) -> None:
    """Values are the bias alone, keys of the first block as they were."""
    before = subject.cache()
    scale(subject.parts.slices("attn_v"), 0.0)
    after = subject.cache()
    assert torch.equal(before[0][0], after[0][0])
    assert not torch.equal(before[0][1], after[0][1])
    assert all(blind(values(subject, layer)) for layer in range(LAYERS))
    assert all(torch.equal(v, v[:, :, :1].expand_as(v)) for _, v in after)
    assert not any(blind(keys(subject, layer)) for layer in range(1))


def seen_keys(subject: Subject) -> None:
    before = subject.cache()
    scale(subject.parts.slices("attn_k"), 0.0)
    after = subject.cache()
    assert torch.equal(before[0][1], after[0][1])
    assert not torch.equal(before[0][0], after[0][0])
    assert all(blind(keys(subject, layer)) for layer in range(LAYERS))
    assert not blind(values(subject, 0))


def seen_queries(subject: Subject) -> None:
    """What the output projection receives changes in every head, keys and values of the first block do not."""
    parts, before, exit_ = subject.parts, subject.cache(), subject.parts.attention(0).exit
    heads = parts.attentions[0].heads
    mixed = subject.received(exit_).unflatten(-1, (heads, -1))
    scale(parts.slices("attn_q"), 0.0)
    after, changed = subject.cache(), subject.received(exit_).unflatten(-1, (heads, -1))
    assert torch.equal(before[0][0], after[0][0])
    assert torch.equal(before[0][1], after[0][1])
    # The first token has nothing but itself to attend to.
    assert all(not torch.equal(mixed[:, 1:, head], changed[:, 1:, head]) for head in range(heads))


def seen_output(subject: Subject) -> None:
    """Attention gives its bias alone; keys and values of the first block are as they were."""
    before = subject.cache()
    scale(subject.parts.slices("attn_o"), 0.0)
    after = subject.cache()
    assert torch.equal(before[0][0], after[0][0])
    assert torch.equal(before[0][1], after[0][1])
    for layer in range(LAYERS):
        exit_ = subject.parts.attention(layer).exit
        assert blind(partial(subject.returned, exit_))


def seen_attention(subject: Subject) -> None:
    """Its four parts, which share no weight and leave none of their tensors out."""
    parts = subject.parts
    four = [piece for group in ("attn_q", "attn_k", "attn_v", "attn_o") for piece in parts.slices(group)]
    together = marked(four)
    assert all((counts == 1).all() for counts in together.values())
    assert {name: counts.sum() for name, counts in marked(parts.slices("attn_all")).items()} == {
        name: counts.sum() for name, counts in together.items()
    }
    queries, shared, values_, output = (sum(p.numel for p in parts.slices(f"attn_{name}")) for name in "qkvo")
    assert (queries, shared) == (output, values_)
    scale(parts.slices("attn_all"), 0.0)
    assert all(blind(values(subject, layer)) and blind(keys(subject, layer)) for layer in range(LAYERS))


def seen_mlp(subject: Subject) -> None:
    """The MLP gives its bias alone, keys and values of the first block are as they were."""
    before = subject.cache()
    scale(subject.parts.slices("mlp_only"), 0.0)
    after = subject.cache()
    assert torch.equal(before[0][0], after[0][0])
    assert torch.equal(before[0][1], after[0][1])
    for layer in range(LAYERS):
        exit_ = subject.parts.mlp(layer).exit
        assert blind(partial(subject.returned, exit_))


def seen_down(subject: Subject) -> None:
    """What reaches the down projection stays, what it gives is its bias."""
    parts = subject.parts
    down = parts.down(0)
    hidden = subject.received(down) if down is not None else None
    scale(parts.slices("mlp_down"), 0.0)
    if hidden is not None and down is not None:
        assert torch.equal(hidden, subject.received(down))
        assert not blind(lambda ids: subject.received(down, ids))
    exit_ = parts.mlp(0).exit
    assert blind(lambda ids: subject.returned(exit_, ids))


def hidden(subject: Subject, layer: int) -> Callable[[Tensor], Tensor]:
    """What the down projection receives; where it is no module, what the experts give, which is linear in it."""
    down = subject.parts.down(layer)
    if down is None:
        return lambda ids: subject.returned(subject.parts.mlp(layer).exit, ids)
    return lambda ids: subject.received(down, ids)


def dosed(subject: Subject, group: str) -> list[Tensor]:
    """What the down projection of the first block receives with the group's weights once, twice and not there."""
    found = []
    for factor in (1.0, 2.0, 0.0):
        scale(subject.parts.slices(group), factor)
        found.append(hidden(subject, 0)(ONE))
    return found


def seen_up(subject: Subject) -> None:
    """With a gate, what comes of it is linear in it (in a gate it would not be: that passes through a curve); without
    one, nothing of the text is left behind it."""
    once, double, none = dosed(subject, "mlp_up")
    assert not torch.allclose(once, none)
    if subject.parts.mlps[0].gate:
        assert torch.allclose(once - none, (double - none) / 2, rtol=1e-4, atol=1e-5)
    else:
        assert blind(hidden(subject, 0))


def seen_gate(subject: Subject) -> None:
    """What comes of it is not linear in it; it shares no weight with up and down, and leaves none of theirs out."""
    parts = subject.parts
    together = marked([*parts.slices("mlp_gate"), *parts.slices("mlp_up"), *parts.slices("mlp_down")])
    assert all((counts == 1).all() for counts in together.values())
    once, double, none = dosed(subject, "mlp_gate")
    assert not torch.allclose(once, none)
    assert not torch.allclose(once - none, (double - none) / 2, rtol=1e-2, atol=1e-2)


def seen_router(subject: Subject) -> None:
    """All experts have the same score for every token, and an expert that is always used counts half (sigmoid of 0)."""
    parts, layer = subject.parts, LAYERS - 1
    mlp: Any = parts.blocks[layer].mlp
    pieces = parts.slices("router", "last 1")
    shared = len(pieces) > 1
    scale(pieces, 0.0)
    assert (subject.returned(mlp.gate) == 0).all()
    if shared:
        assert (subject.returned(mlp.shared_expert_gate) == 0).all()


def seen_embedding(subject: Subject) -> None:
    pieces = subject.parts.slices("embed_only")
    assert [piece.numel for piece in pieces] == [VOCABULARY * subject.model.get_input_embeddings().weight.shape[1]]
    scale(pieces, 0.0)
    assert (subject.returned(subject.model.get_input_embeddings()) == 0).all()


def seen_norms(subject: Subject) -> None:
    """All that are called norms and nothing else; what they return has nothing of the text any more."""
    parts = subject.parts
    wanted = {
        name
        for name, parameter in subject.model.named_parameters()
        if name.endswith("weight") and parameter.dim() == 1 and "vision" not in name and "multi_modal" not in name
    }
    assert {piece.parameter for piece in parts.slices("norms")} == wanted
    assert all("norm" in name or "ln_" in name for name in wanted)
    offset = 1.0 if "Gemma" in type(subject.model).__name__ else 0.0  # stored as w - 1
    for piece in parts.slices("norms"):
        piece.scatter(torch.full(piece.shape, -offset))
    for module in parts.decoder.modules():
        if "norm" in type(module).__name__.lower():
            assert blind(partial(subject.returned, module))


def seen_all(subject: Subject) -> None:
    """Every parameter of the language model once; zeroed, it says the same of every token."""
    parts = subject.parts
    pieces = parts.slices("all")
    wanted = [
        name for name, _ in subject.model.named_parameters() if "vision" not in name and "multi_modal" not in name
    ]
    assert sorted(piece.parameter for piece in pieces) == sorted(wanted)
    scale(pieces, 0.0)
    assert (subject.model(ONE).logits == 0).all()


def seen_matrices(subject: Subject) -> None:
    """All of it but norms and biases; without them, nothing of the text is left."""
    pieces = subject.parts.slices("matrices")
    vectors = {piece.parameter for piece in subject.parts.slices("all")} - {piece.parameter for piece in pieces}
    assert vectors >= {piece.parameter for piece in subject.parts.slices("norms")}
    assert all(name.endswith("bias") or "norm" in name or "ln_" in name for name in vectors)
    assert not any(piece.parameter.endswith("bias") for piece in pieces)
    scale(pieces, 0.0)
    assert blind(lambda ids: subject.model(ids).logits)


WITNESSES: dict[str, Callable[[Subject], None]] = {
    "attn_only": seen_values,
    "mlp_only": seen_mlp,
    "embed_only": seen_embedding,
    "attn_q": seen_queries,
    "attn_k": seen_keys,
    "attn_v": seen_values,
    "attn_o": seen_output,
    "attn_all": seen_attention,
    "mlp_gate": seen_gate,
    "mlp_up": seen_up,
    "mlp_down": seen_down,
    "router": seen_router,
    "norms": seen_norms,
    "matrices": seen_matrices,
    "all": seen_all,
}


@cache
def verdict(variant: str, group: str) -> str:
    """ "exact", after the group's witness has been heard, or "not applicable"."""
    subject = Subject(build(variant))
    try:
        subject.parts.slices(group)
    except LesionError as error:
        return "not applicable" if f"{group} is not applicable to this {layout(variant)} model" in str(error) else "?"
    WITNESSES[group](subject)
    return "exact"


def expected(variant: str, group: str) -> str:
    exists = {"mlp_gate": variant in GATED, "router": variant in MIXTURES}
    return "exact" if exists.get(group, True) else "not applicable"


@pytest.mark.parametrize("group", catalog.groups())
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_group_is_exactly_its_own_vectors(variant: str, group: str) -> None:
    assert verdict(variant, group) == expected(variant, group)


def test_the_table() -> None:
    """Architecture × group, with what this module's witnesses say."""
    groups = list(catalog.groups())
    widest = max(map(len, VARIANTS))
    lines = ["", "  ".join([" " * widest, *groups])]
    for variant in VARIANTS:
        cells = [{"exact": "exact", "not applicable": "-"}[verdict(variant, group)] for group in groups]
        assert cells.count("exact") >= len(groups) - 2
        shown = [cell.ljust(len(group)) for cell, group in zip(cells, groups, strict=True)]
        lines.append("  ".join([variant.ljust(widest), *shown]))
    lines.append("exact: exactly its own vectors change with it; -: not applicable, and refused with a sentence")
    print("\n".join(lines))


@pytest.mark.parametrize("variant", VARIANTS)
def test_recognised_by_its_modules(variant: str) -> None:
    parts = architecture(build(variant))
    assert (parts.name, len(parts.blocks)) == (layout(variant), LAYERS)


def test_a_state_space_model_is_named_as_one() -> None:
    from transformers import MambaConfig, MambaForCausalLM

    model = MambaForCausalLM(MambaConfig(vocab_size=64, hidden_size=16, num_hidden_layers=1, state_size=4))
    with pytest.raises(LesionError, match=r"MambaForCausalLM is a state-space model.*supported are neox .*phi3"):
        architecture(model)


def test_a_matrix_that_no_group_would_hold_is_not_overlooked() -> None:
    """GPT-2 with cross-attention has all that GPT-2 has, and more."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(vocab_size=64, n_embd=16, n_layer=1, n_head=2, add_cross_attention=True)
    with pytest.raises(LesionError, match="the architecture of GPT2LMHeadModel is not supported"):
        architecture(GPT2LMHeadModel(config))
