"""Phi (1 and 2): query, key and value in matrices of their own; an MLP without a gate, beside attention."""

from typing import Any

from engine.models.layout import Attention, Layout, Mlp, at, plain, separate


def _attention(block: Any) -> Attention | None:
    return separate(block.self_attn, block.self_attn.head_dim, "q_proj", "k_proj", "v_proj", "dense")


def _mlp(block: Any) -> Mlp:
    return plain(block, "mlp.fc1", "mlp.fc2", entry="mlp")


PHI = Layout("phi", at("layers"), _attention, _mlp)
