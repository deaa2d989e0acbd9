"""Phi-3: query, key and value fused in one matrix, as three blocks of rows; gate and up in another, the gate first."""

from typing import Any

from engine.models.layout import Attention, Layout, Mlp, Sublayer, at, stacked, weight
from engine.weights.slices import Part


def _attention(block: Any) -> Attention | None:
    return stacked(block.self_attn, block.self_attn.head_dim, "qkv_proj", "o_proj")


def _mlp(block: Any) -> Mlp | None:
    fused, down = weight(block.mlp, "gate_up_proj").tensor, weight(block.mlp, "down_proj")
    ff = down.tensor.shape[1]
    if fused.shape[0] != 2 * ff:
        return None
    gate, up = Part(fused, 0, ((0, ff),)), Part(fused, 0, ((ff, 2 * ff),))
    return Mlp((up,), (down,), Sublayer(block.mlp, block.mlp.down_proj), (gate,))


PHI3 = Layout("phi3", at("layers"), _attention, _mlp)
