"""MPT: query, key and value fused in one matrix, as three blocks of rows. The MLP adds the residual stream to what it
returns; the linear module inside does not."""

from typing import Any

from engine.models.layout import Attention, Layout, Mlp, at, plain, stacked


def _attention(block: Any) -> Attention | None:
    return stacked(block.attn, block.attn.head_dim, "Wqkv", "out_proj")


def _mlp(block: Any) -> Mlp:
    return plain(block, "ffn.up_proj", "ffn.down_proj", entry="ffn")


MPT = Layout("mpt", at("blocks"), _attention, _mlp)
