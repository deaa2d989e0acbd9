"""Mixtral and the Qwen mixtures: the attention of Llama; blocks with experts, and blocks with an ordinary MLP.

The experts' matrices lie in two parameters, [experts, 2 * ff, hidden] with the gate first, and [experts, hidden, ff].
An expert that every token passes through (Qwen2) belongs to the MLP, but is not counted among the experts.
"""

from typing import Any

from engine.models.layout import Layout, Mlp, Sublayer, at, gated, weight
from engine.models.layouts.llama import attention
from engine.weights.slices import Part


def _mlp(block: Any) -> Mlp | None:
    mlp = block.mlp
    if not hasattr(mlp, "experts"):
        return gated(mlp)
    first, second, router = mlp.experts.gate_up_proj, mlp.experts.down_proj, weight(mlp, "gate")
    count, hidden, ff = second.shape
    if tuple(first.shape) != (count, 2 * ff, hidden) or tuple(router.tensor.shape) != (count, hidden):
        return None
    gate = tuple(Part(first, 0, ((0, ff),), expert) for expert in range(count))
    up = tuple(Part(first, 0, ((ff, 2 * ff),), expert) for expert in range(count))
    down = tuple(Part(second, 0, None, expert) for expert in range(count))
    routed = Mlp(up, down, Sublayer(mlp, mlp), gate, (router,), count)
    return _with_shared(routed, mlp) if hasattr(mlp, "shared_expert") else routed


def _with_shared(routed: Mlp, mlp: Any) -> Mlp:
    shared, scale = gated(mlp.shared_expert), weight(mlp, "shared_expert_gate")
    return Mlp(
        (*routed.up, *shared.up),
        (*routed.down, *shared.down),
        routed.sublayer,
        (*routed.gate, *shared.gate),
        (*routed.router, scale),
        routed.experts,
    )


MOE = Layout("moe", at("layers"), attention, _mlp)
