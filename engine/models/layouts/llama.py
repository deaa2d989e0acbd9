"""Llama: query, key and value in matrices of their own, with fewer key-value heads than query heads or as many; an MLP
with a gate. Many later families share this layout."""

from typing import Any

from engine.models.layout import Attention, Layout, Mlp, at, gated, separate


def attention(block: Any) -> Attention | None:
    """The attention of a block of this layout, or of one that shares it."""
    return separate(block.self_attn, block.self_attn.head_dim, "q_proj", "k_proj", "v_proj", "o_proj")


def _mlp(block: Any) -> Mlp:
    return gated(block.mlp)


LLAMA = Layout("llama", at("layers"), attention, _mlp)
