"""GPT-BigCode: GPT-2 with matrices stored as [out, in]; query, key and value fused in one, either head by head or, with
one key-value head for all, as all queries, the key, the value."""

from typing import Any

from engine.models.layout import Attention, Layout, Mlp, at, grouped, plain


def _attention(block: Any) -> Attention | None:
    attention = block.attn
    if attention.c_attn.weight.shape[0] <= attention.c_proj.weight.shape[1]:
        return None  # no room for keys and values: stored as [in, out]
    return grouped(attention, attention.head_dim, "c_attn", "c_proj")


def _mlp(block: Any) -> Mlp:
    return plain(block, "mlp.c_fc", "mlp.c_proj", entry="mlp")


BIGCODE = Layout("bigcode", at("h"), _attention, _mlp)
