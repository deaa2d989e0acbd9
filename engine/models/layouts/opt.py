"""OPT: query, key and value in matrices of their own; the MLP's two matrices lie in the block itself."""

from typing import Any

from engine.models.layout import Attention, Layout, Mlp, at, plain, separate


def _attention(block: Any) -> Attention | None:
    return separate(block.self_attn, block.self_attn.head_dim, "q_proj", "k_proj", "v_proj", "out_proj")


def _mlp(block: Any) -> Mlp:
    return plain(block, "fc1", "fc2", entry="fc1")


OPT = Layout("opt", at("layers"), _attention, _mlp)
