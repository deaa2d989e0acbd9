"""What a module of `engine.models.layouts` says about one architecture, and helpers for saying it."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from torch.nn import Module, Parameter

from engine.weights.slices import Part, Ranges


@dataclass(frozen=True)
class Sublayer:
    """Where attention, or the MLP, of one block begins and ends.

    entry: the module whose input is the normalised residual stream, positionally or as the keyword `hidden_states`.
    exit: the module whose output, one tensor, is what the sublayer gives, before anything is added to it.
    """

    entry: Module
    exit: Module


@dataclass(frozen=True)
class Attention:
    """The attention of one block. Query, key and value are parts of one tensor where they are fused.

    q and o are `heads` equal units along their `dim`, k and v `kv_heads` of the same size; query head j reads key-value
    head j // (heads / kv_heads).
    """

    q: Part
    k: Part
    v: Part
    o: Part
    heads: int
    kv_heads: int
    sublayer: Sublayer


@dataclass(frozen=True)
class Mlp:
    """The MLP of one block: one Part each of `up`, `down` and, where there is one, `gate`. Where there are experts, one
    for each of the `experts`, then those of an expert that is always used. `router` scores the experts, one row each; a
    second part of it weighs the one that is always used.
    """

    up: tuple[Part, ...]
    down: tuple[Part, ...]
    sublayer: Sublayer
    gate: tuple[Part, ...] = ()
    router: tuple[Part, ...] = ()
    experts: int = 0

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of its matrices but the router."""
        return (*self.gate, *self.up, *self.down)


@dataclass(frozen=True)
class Layout:
    """One architecture. Its functions raise AttributeError, or return None, where the modules are others.

    blocks: the list of blocks, from the decoder (`model.get_decoder()`).
    attention, mlp: these parts of one block, or None where the shapes do not fit.
    """

    name: str
    blocks: Callable[[Any], Any]
    attention: Callable[[Any], Attention | None]
    mlp: Callable[[Any], Mlp | None]


def at(path: str) -> Callable[[Any], Any]:
    """Reads an attribute path: `at("mlp.up_proj.weight")(block)`."""
    return attrgetter(path)


def weight(module: Any, path: str, dim: int = 0) -> Part:
    """The whole weight of the submodule at this path; AttributeError where there is none."""
    parameter = attrgetter(path)(module).weight
    if not isinstance(parameter, Parameter):
        raise AttributeError(path)
    return Part(parameter, dim)


def separate(attention: Any, size: int, q: str, k: str, v: str, o: str) -> Attention | None:
    """Attention whose four matrices [out, in] are modules of these names, with heads of `size`."""
    parts = [weight(attention, path) for path in (q, k, v)]
    output = weight(attention, o, dim=1)
    return _attention(attention, o, (parts[0], parts[1], parts[2]), output, size)


def grouped(attention: Any, size: int, fused: str, o: str) -> Attention | None:
    """Attention with a fused weight [(heads + 2 kv_heads) * size, hidden] that is ordered by key-value head: its query
    heads, then its key, then its value. With as many key-value heads as heads, the three alternate head by head; with
    one, they are all queries, the key, the value."""
    tensor, output = weight(attention, fused).tensor, weight(attention, o, dim=1)
    heads, kv_heads = _heads(tensor.shape[0], output, size)
    if not kv_heads or heads % kv_heads:
        return None
    queries = heads // kv_heads * size
    starts = range(0, kv_heads * (queries + 2 * size), queries + 2 * size)
    bounds = ((0, queries), (queries, queries + size), (queries + size, queries + 2 * size))
    q, k, v = (Part(tensor, 0, tuple((start + low, start + high) for start in starts)) for low, high in bounds)
    return _attention(attention, o, (q, k, v), output, size)


def stacked(attention: Any, size: int, fused: str, o: str, dim: int = 0) -> Attention | None:
    """Attention with a fused weight whose dimension `dim` is all queries, then all keys, then all values. With dim 1,
    matrices are stored as [in, out]."""
    tensor, output = weight(attention, fused).tensor, weight(attention, o, dim=1 - dim)
    heads, kv_heads = _heads(tensor.shape[dim], output, size)
    if not kv_heads:
        return None
    queries, keys = heads * size, kv_heads * size
    bounds: list[Ranges] = [((0, queries),), ((queries, queries + keys),), ((queries + keys, queries + 2 * keys),)]
    q, k, v = (Part(tensor, dim, ranges) for ranges in bounds)
    return _attention(attention, o, (q, k, v), output, size)


def plain(block: Any, up: str, down: str, entry: str) -> Mlp:
    """An MLP without a gate, of two linear modules at these paths of the block; its input is that of `entry`."""
    ends = Sublayer(attrgetter(entry)(block), attrgetter(down)(block))
    return Mlp((weight(block, up),), (weight(block, down),), ends)


def gated(mlp: Any) -> Mlp:
    """An MLP of `gate_proj`, `up_proj` and `down_proj`."""
    gate, up, down = (weight(mlp, f"{name}_proj") for name in ("gate", "up", "down"))
    return Mlp((up,), (down,), Sublayer(mlp, mlp.down_proj), (gate,))


def _heads(fused: int, output: Part, size: int) -> tuple[int, int]:
    """Heads and key-value heads by the width of a fused weight and of the output's input; (0, 0) where none fit."""
    heads, rest = divmod(output.length, size)
    kv_heads, odd = divmod(fused - output.length, 2 * size)
    return (heads, kv_heads) if not rest and not odd and heads and kv_heads > 0 else (0, 0)


def _attention(module: Module, o: str, qkv: tuple[Part, Part, Part], output: Part, size: int) -> Attention | None:
    """These parts as attention, where their sizes agree."""
    q, k, v = qkv
    heads, kv_heads = q.length // size, k.length // size
    fits = (q.length, k.length, output.length) == (heads * size, v.length, heads * size) and k.length == kv_heads * size
    if not fits or not kv_heads or heads % kv_heads:
        return None
    return Attention(q, k, v, output, heads, kv_heads, Sublayer(module, attrgetter(o)(module)))
