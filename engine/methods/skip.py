"""Skipping: a block's attention, its MLP or all of it adds nothing to the residual stream."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter

from engine.models.architecture import Architecture
from engine.models.override import overridden
from engine.weights.draws import Draws
from engine.weights.slices import Slice


@contextmanager
def skip(architecture: Architecture, group: str, layers: set[int], level: float, draws: Draws) -> Iterator[set[int]]:
    """Until the context ends, each of `layers` is skipped where u < level, with one u uniform in [0, 1) a layer, and
    the residual stream passes unchanged; what is skipped is the attention (group attn_all), the MLP (mlp_only) or the
    block (all). Yields the layers skipped.

    No weight is touched. The skipped part is still computed, so that the cache of a generation stays complete, and its
    output is replaced where it leaves the module: for hooks, too.
    """
    chosen = {layer for layer in layers if _drawn(draws, layer) < level}
    with ExitStack() as stack:
        for layer in chosen:
            if group == "all":
                stack.enter_context(_replaced(architecture.blocks[layer], _passed_by))
            else:
                part = architecture.attention(layer) if group == "attn_all" else architecture.mlp(layer)
                stack.enter_context(_replaced(part.exit, _nothing))
        yield chosen


def _drawn(draws: Draws, layer: int) -> float:
    """The number of a layer: the one that the only weight of a parameter called "layer 3" would draw."""
    return draws.uniform(Slice(f"layer {layer}", Parameter(torch.zeros(1), requires_grad=False))).item()


@contextmanager
def _replaced(module: Module, replace: Callable[[Any, Any], Any]) -> Iterator[None]:
    """`module` returns `replace(what it would have returned, the hidden states it was given)`."""
    original = module.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        hidden = args[0] if args else kwargs.get("hidden_states")
        return replace(original(*args, **kwargs), hidden)

    with overridden(module, forward):
        yield


def _passed_by(output: Any, hidden: Tensor) -> Any:
    """The hidden states in place of a block's own, in the kind that it returns: a tensor, or a tuple."""
    return (hidden, *output[1:]) if isinstance(output, tuple) else hidden


def _nothing(output: Tensor, hidden: Tensor) -> Tensor:
    """-0 everywhere: the one number that changes no bit of anything when added, 0 and -0 among them."""
    return torch.full_like(output, -0.0)
