"""CodeGen: GPT-J with query, value and key, in this order, fused in one matrix of four shards."""

from typing import Any

from engine.models.layout import Attention, Layout, Mlp, Sublayer, at, plain, weight
from engine.weights.slices import Part

_SHARDS = 4
"""How the original was spread over devices; the same in every checkpoint."""


def _attention(block: Any) -> Attention | None:
    attention = block.attn
    tensor, output = weight(attention, "qkv_proj").tensor, weight(attention, "out_proj", dim=1)
    width = output.length
    if tensor.shape[0] != 3 * width or width % (_SHARDS * attention.head_dim):
        return None
    step = width // _SHARDS
    q, v, k = (
        Part(tensor, 0, tuple((low, low + step) for low in range(place * step, 3 * width, 3 * step)))
        for place in range(3)
    )
    heads = width // attention.head_dim
    return Attention(q, k, v, output, heads, heads, Sublayer(attention, attention.out_proj))


def _mlp(block: Any) -> Mlp:
    return plain(block, "mlp.fc_in", "mlp.fc_out", entry="mlp")


CODEGEN = Layout("codegen", at("h"), _attention, _mlp)
