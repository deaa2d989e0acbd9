"""BLOOM and Falcon: query, key and value fused in one matrix, by key-value head (BLOOM has as many as query heads).

BLOOM's attention and MLP add the residual stream to what they return; the linear module inside does not.
"""

from typing import Any

from engine.models.layout import Attention, Layout, Mlp, at, grouped, plain


def _attention(block: Any) -> Attention | None:
    attention = block.self_attention
    return grouped(attention, attention.head_dim, "query_key_value", "dense")


def _mlp(block: Any) -> Mlp:
    return plain(block, "mlp.dense_h_to_4h", "mlp.dense_4h_to_h", entry="mlp")


BLOOM = Layout("bloom", at("h"), _attention, _mlp)
