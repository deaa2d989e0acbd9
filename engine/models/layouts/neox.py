"""GPT-NeoX and Pythia: query, key and value fused in one matrix, head by head."""

from typing import Any

from engine.models.layout import Attention, Layout, Mlp, at, grouped, plain


def _attention(block: Any) -> Attention | None:
    return grouped(block.attention, block.attention.head_size, "query_key_value", "dense")


def _mlp(block: Any) -> Mlp:
    return plain(block, "mlp.dense_h_to_4h", "mlp.dense_4h_to_h", entry="mlp")


NEOX = Layout("neox", at("layers"), _attention, _mlp)
