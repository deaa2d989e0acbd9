"""What a module of `engine.models.layouts` says about one architecture, and helpers for saying it."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from torch.nn import Module, Parameter

from engine.models.slices import Part, Ranges


@dataclass(frozen=True)
class BlockWeights:
    """The weight matrices of one block. Query, key and value are parts of one tensor where they are fused."""

    q: Part
    k: Part
    v: Part
    o: Part
    mlp: tuple[Part, ...]


@dataclass(frozen=True)
class Layout:
    """One architecture. `blocks` and `weights` raise AttributeError, or return None, where the modules are others.

    blocks: the list of blocks, from the decoder (`model.get_decoder()`).
    weights: the weights of one block, or None where the shapes do not fit.
    """

    name: str
    blocks: Callable[[Any], Any]
    weights: Callable[[Any], BlockWeights | None]


def at(path: str) -> Callable[[Any], Any]:
    """Reads an attribute path: `at("mlp.up_proj.weight")(block)`."""
    return attrgetter(path)


def wholes(block: Module, *paths: str) -> tuple[Part, ...]:
    """The whole weights at these paths; AttributeError where there is none."""
    weights = [attrgetter(path)(block) for path in paths]
    if not all(isinstance(weight, Parameter) for weight in weights):
        raise AttributeError(paths)
    return tuple(Part(weight) for weight in weights)


def grouped(weight: Parameter, heads: int, kv_heads: int, size: int) -> tuple[Part, Part, Part]:
    """Query, key and value of a fused weight [(heads + 2 kv_heads) * size, hidden] that is ordered by key-value head:
    its query heads, then its key, then its value. With kv_heads = heads, the three alternate head by head."""
    queries = heads // kv_heads * size
    starts = range(0, kv_heads * (queries + 2 * size), queries + 2 * size)
    return (
        Part(weight, 0, tuple((start, start + queries) for start in starts)),
        Part(weight, 0, tuple((start + queries, start + queries + size) for start in starts)),
        Part(weight, 0, tuple((start + queries + size, start + queries + 2 * size) for start in starts)),
    )


def stacked(weight: Parameter, dim: int, queries: int, keys: int) -> tuple[Part, Part, Part]:
    """Query, key and value of a fused weight whose dimension `dim` is all queries, then all keys, then all values."""
    bounds: list[Ranges] = [
        ((0, queries),),
        ((queries, queries + keys),),
        ((queries + keys, queries + 2 * keys),),
    ]
    q, k, v = (Part(weight, dim, ranges) for ranges in bounds)
    return q, k, v
