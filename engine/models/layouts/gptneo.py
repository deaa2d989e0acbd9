"""GPT-Neo: query, key and value in matrices of their own, one level deeper than elsewhere."""

from typing import Any

from engine.models.layout import Attention, Layout, Mlp, at, plain, separate


def _attention(block: Any) -> Attention | None:
    attention = block.attn.attention
    return separate(attention, attention.head_dim, "q_proj", "k_proj", "v_proj", "out_proj")


def _mlp(block: Any) -> Mlp:
    return plain(block, "mlp.c_fc", "mlp.c_proj", entry="mlp")


GPTNEO = Layout("gptneo", at("h"), _attention, _mlp)
