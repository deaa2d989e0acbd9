"""Independent witnesses of what a parameter group is: what a tiny model computes before and after the group's slices
are changed. None of them knows how a tensor is laid out."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from engine.models.architecture import Architecture, architecture
from engine.models.cache import kept
from engine.weights.slices import Slice

ONE = torch.tensor([[5, 17, 41, 33, 8, 60, 22, 3]])
OTHER = torch.tensor([[9, 30, 2, 55, 47, 12, 1, 63]])


class Subject:
    """A model of the caller's own, and what its modules receive and return."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.parts: Architecture = architecture(model)

    def cache(self, ids: Tensor = ONE) -> list[tuple[Tensor, Tensor]]:
        """Keys and values [1, heads, tokens, size] of every block."""
        whole = kept(self.model(ids, use_cache=True))
        return [(layer.keys.clone(), layer.values.clone()) for layer in whole.layers]

    def received(self, module: Module, ids: Tensor = ONE) -> Tensor:
        """The hidden states that reach a module."""
        seen: list[Tensor] = []

        def look(_: Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            seen.append((given[0] if given else named["hidden_states"]).clone())

        return self._run(module.register_forward_pre_hook(look, with_kwargs=True), seen, ids)

    def returned(self, module: Module, ids: Tensor = ONE) -> Tensor:
        """What a module returns, or the first of it."""
        seen: list[Tensor] = []

        def look(_: Module, __: tuple[Any, ...], result: Any) -> None:
            seen.append((result[0] if isinstance(result, tuple) else result).clone())

        return self._run(module.register_forward_hook(look), seen, ids)

    def answer(self, module: Module, changed: Callable[[Tensor], Tensor]) -> Tensor:
        """What a linear module returns when what it receives is changed."""

        def change(_: Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
            return (changed(given[0].clone()), *given[1:])

        hook = module.register_forward_pre_hook(change)
        try:
            return self.returned(module)
        finally:
            hook.remove()

    def _run(self, hook: Any, seen: list[Tensor], ids: Tensor) -> Tensor:
        try:
            self.model(ids)
        finally:
            hook.remove()
        return seen[0]


def scale(slices: Iterable[Slice], factor: float) -> None:
    """Multiply every weight of the slices."""
    for piece in slices:
        piece.scatter(piece.gather() * factor)


def marked(slices: Iterable[Slice]) -> dict[str, Tensor]:
    """Where the slices lie: by parameter, how often each weight is in one of them."""
    slices = list(slices)
    kept = {piece.parameter: piece.tensor.clone() for piece in slices}
    counts = {name: torch.zeros_like(tensor) for name, tensor in kept.items()}
    for piece in slices:
        piece.tensor.zero_()
        piece.scatter(torch.ones(piece.shape))
        counts[piece.parameter] += piece.tensor
    for piece in slices:
        piece.tensor.copy_(kept[piece.parameter])
    return counts


def blind(found: Callable[[Tensor], Tensor]) -> bool:
    """Whether something is the same, to the last bit, for two texts that share no token."""
    return torch.equal(found(ONE), found(OTHER))
