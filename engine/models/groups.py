"""Parameter groups: which parts of a block each of them is, and which of those belong to some heads or experts."""

from collections.abc import Iterable, Iterator

from torch.nn import Module, Parameter

from engine.errors import LesionError
from engine.models.layout import Attention, Mlp
from engine.profile.layers import Layers, parse_layers
from engine.weights.slices import Part

ATTENTION = ("attn_only", "attn_q", "attn_k", "attn_v", "attn_o", "attn_all")
"""Groups that `heads` narrows."""

MLP = ("mlp_only", "mlp_gate", "mlp_up", "mlp_down", "router")
"""Groups that `experts` narrows."""


def block_parts(attention: Attention, mlp: Mlp, group: str) -> tuple[Part, ...]:
    """The parts of one block that a group of ATTENTION or MLP is; empty where the block has none."""
    return {
        "attn_only": (attention.v,),
        "attn_q": (attention.q,),
        "attn_k": (attention.k,),
        "attn_v": (attention.v,),
        "attn_o": (attention.o,),
        "attn_all": (attention.q, attention.k, attention.v, attention.o),
        "mlp_only": mlp.parts,
        "mlp_gate": mlp.gate,
        "mlp_up": mlp.up,
        "mlp_down": mlp.down,
        "router": mlp.router,
    }[group]


def of_heads(attention: Attention, group: str, heads: Layers) -> tuple[Part, ...]:
    """The parts of an attention group that belong to `heads`: rows of q, k and v, columns of o. Heads are query heads
    for q and o, key-value heads for k and v.

    Raises LesionError for heads that do not exist, and for attn_all where the two kinds of head are not the same.
    """
    if group == "attn_all" and attention.heads != attention.kv_heads:
        counts = f"{attention.heads} query heads and {attention.kv_heads} key-value heads"
        raise LesionError(f"attn_all cannot be narrowed to heads here, with {counts}: damage attn_q, attn_k … by name")
    parts = []
    for part in block_parts(attention, Mlp((), (), attention.sublayer), group):
        shared = part is attention.k or part is attention.v
        count = attention.kv_heads if shared else attention.heads
        chosen = parse_layers(heads, count, "key-value heads" if shared and count != attention.heads else "heads")
        parts.append(part.units(count, chosen))
    return tuple(parts)


def of_experts(mlp: Mlp, group: str, experts: Layers) -> tuple[Part, ...]:
    """The parts of an MLP group that belong to `experts`, rows of the router among them; empty without experts, and
    without those that are always used. Raises LesionError for experts that do not exist."""
    if not mlp.experts:
        return ()
    chosen = parse_layers(experts, mlp.experts, "experts")
    if group == "router":
        return (mlp.router[0].units(mlp.experts, chosen),)
    parts = {"mlp_only": mlp.parts, "mlp_gate": mlp.gate, "mlp_up": mlp.up, "mlp_down": mlp.down}[group]
    return tuple(part for part in parts if part.expert in chosen)


def norms(module: Module) -> Iterator[Part]:
    """The scales of every normalisation within a module: a weight of one dimension is nothing else."""
    for inside in module.modules():
        scale = getattr(inside, "weight", None)
        if isinstance(scale, Parameter) and scale.dim() == 1:
            yield Part(scale)


def accounted(block: Module, parts: Iterable[Part]) -> bool:
    """Whether `parts` lie in every weight of a block that is not a vector, so that no matrix is left out."""
    known = {id(part.tensor) for part in parts}
    return all(id(parameter) in known for parameter in block.parameters() if parameter.dim() > 1)
