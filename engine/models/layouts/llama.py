"""Llama: query, key and value in matrices of their own, with fewer key-value heads than query heads or as many; an MLP
with a gate. Many later families share this layout."""

from typing import Any

from engine.models.layout import BlockWeights, Layout, at, wholes


def _weights(block: Any) -> BlockWeights | None:
    q, k, v, o = wholes(block, *(f"self_attn.{name}_proj.weight" for name in "qkvo"))
    queries, keys = q.tensor.shape[0], k.tensor.shape[0]
    if o.tensor.shape[1] != queries or v.tensor.shape[0] != keys or queries % keys:
        return None
    mlp = wholes(block, "mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight")
    return BlockWeights(q, k, v, o, mlp)


LLAMA = Layout("llama", at("layers"), _weights)
