"""GPT-J: query, key and value in matrices of their own; one norm for attention and MLP side by side."""

from typing import Any

from engine.models.layout import Attention, Layout, Mlp, at, plain, separate


def _attention(block: Any) -> Attention | None:
    return separate(block.attn, block.attn.head_dim, "q_proj", "k_proj", "v_proj", "out_proj")


def _mlp(block: Any) -> Mlp:
    return plain(block, "mlp.fc_in", "mlp.fc_out", entry="mlp")


GPTJ = Layout("gptj", at("h"), _attention, _mlp)
