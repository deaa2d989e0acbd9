"""GPT-2: matrices stored as [in, out]; query, key and value fused in one, as three blocks of columns."""

from typing import Any

from engine.models.layout import Attention, Layout, Mlp, at, plain, stacked


def _attention(block: Any) -> Attention | None:
    attention = block.attn
    # Tensors stored as [out, in] and attention with fewer keys than queries belong to GPT-BigCode.
    if attention.c_attn.weight.shape[1] != 3 * attention.c_proj.weight.shape[0]:
        return None
    return stacked(attention, attention.head_dim, "c_attn", "c_proj", dim=1)


def _mlp(block: Any) -> Mlp:
    return plain(block, "mlp.c_fc", "mlp.c_proj", entry="mlp")


GPT2 = Layout("gpt2", at("h"), _attention, _mlp)
