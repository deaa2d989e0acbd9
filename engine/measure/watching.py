"""What blocks, and the attention and MLP inside them, really receive and return, seen by hooks in a forward pass.

The library's own `hidden_states` hold neither the last block's output nor anything inside a block.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Literal

from torch import Tensor, nn

from engine.models.architecture import Architecture

Side = Literal["in", "out"]
See = Callable[[int, str, Side, Tensor], None]
"""(layer, "block", "attention" or "mlp", side, tensor). What is seen may be overwritten by the model a moment later
(Falcon adds the attention's output into the MLP's in place): compute from it at once, or clone it."""


@contextmanager
def watch_blocks(parts: Architecture, layers: Iterable[int], see: See) -> Iterator[None]:
    """Show `see` what these blocks receive and return, [rows, tokens, width]: the residual stream."""
    with ExitStack() as hooks:
        for layer in layers:
            block = parts.blocks[layer]
            _watch(hooks, block, block, partial(see, layer, "block"))
        yield


@contextmanager
def watch_parts(parts: Architecture, see: See) -> Iterator[None]:
    """Show `see` what attention and MLP of every block receive and return, [rows, tokens, width] or, where a model
    flattens them, [rows * tokens, width].

    The input is what the part really receives: the residual stream after the norm before it, where there is one. The
    output is what it gives before anything is added: neither the residual stream nor a norm behind it.
    """
    with ExitStack() as hooks:
        for layer in range(len(parts.blocks)):
            for name, ends in (("attention", parts.attention(layer)), ("mlp", parts.mlp(layer))):
                _watch(hooks, ends.entry, ends.exit, partial(see, layer, name))
        yield


def _watch(hooks: ExitStack, entry: nn.Module, exit_: nn.Module, see: Callable[[Side, Tensor], None]) -> None:
    def before(module: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        see("in", args[0] if args else named["hidden_states"])

    def after(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        see("out", output if isinstance(output, Tensor) else output[0])

    hooks.callback(entry.register_forward_pre_hook(before, with_kwargs=True).remove)
    hooks.callback(exit_.register_forward_hook(after).remove)
