"""GPT-NeoX and Pythia: query, key and value fused in one matrix, head by head."""

from typing import Any

from engine.models.layout import BlockWeights, Layout, at, grouped, wholes


def _weights(block: Any) -> BlockWeights | None:
    fused, output = wholes(block, "attention.query_key_value.weight", "attention.dense.weight")
    width, size = output.tensor.shape[1], block.attention.head_size
    if fused.tensor.shape[0] != 3 * width or width % size:
        return None
    q, k, v = grouped(fused.tensor, width // size, width // size, size)
    mlp = wholes(block, "mlp.dense_h_to_4h.weight", "mlp.dense_4h_to_h.weight")
    return BlockWeights(q, k, v, output, mlp)


NEOX = Layout("neox", at("layers"), _weights)
