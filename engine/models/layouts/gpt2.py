"""GPT-2: matrices stored as [in, out]; query, key and value fused in one, as three blocks of columns."""

from typing import Any

from engine.models.layout import BlockWeights, Layout, at, stacked, wholes


def _weights(block: Any) -> BlockWeights | None:
    fused, output = wholes(block, "attn.c_attn.weight", "attn.c_proj.weight")
    width = output.tensor.shape[0]
    # Tensors stored as [out, in] and attention with fewer keys than queries belong to GPT-BigCode.
    if tuple(fused.tensor.shape) != (output.tensor.shape[1], 3 * width):
        return None
    q, k, v = stacked(fused.tensor, 1, width, width)
    return BlockWeights(q, k, v, output, wholes(block, "mlp.c_fc.weight", "mlp.c_proj.weight"))


GPT2 = Layout("gpt2", at("h"), _weights)
