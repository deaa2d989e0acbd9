"""The architecture: Llama's parts under other names."""

from typing import Any

from engine.models.layout import Attention, Layout, at, gated, separate


def _attention(block: Any) -> Attention | None:
    return separate(block.mixer, block.mixer.head_dim, "q_proj", "k_proj", "v_proj", "o_proj")


RENAMED = Layout("renamed", at("layers"), _attention, lambda block: gated(block.thinker))
