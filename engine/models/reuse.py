"""Starting a forward pass at the first damaged block, with what entered that block the last time.

Up to there every block computes what it computed before, on the same batch bit for bit. So the residual stream that
enters the first damaged block is kept from one pass to the next, and the model is called as always, with the blocks
before it returning what was kept instead of computing: masks, positions and norms stay the model's own business.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from engine.models.architecture import Architecture
from engine.models.exhaustion import is_out_of_memory
from engine.models.override import overridden

_TOKENS = 12
"""Length of the texts that starting midway is tried on."""


@dataclass(frozen=True)
class _Kept:
    """What entered block `layer` on one batch, in main memory, and the device it was on."""

    layer: int
    hidden: Tensor
    device: torch.device


class Reuse:
    """The residual stream of one model where its first damaged block begins: [rows, tokens, width] for each batch, at
    one block only.

    `fault` says why this model allows no start in the middle; None where it does. It is found by trying: on a small
    batch with padding, passes started at the second, the middle and the last block must give the logits of a whole
    pass bit for bit. The model is called here, on the weights that it has.
    """

    def __init__(self, model: Any, parts: Architecture) -> None:
        self._parts = parts
        self._kinds: list[tuple[None, ...] | None] = []
        """What each block returns behind the hidden states; None where it returns them alone, without a tuple."""
        self._kept: dict[str, dict[bytes, _Kept]] = {}
        self.fault = self._try(model)
        self.clear()

    @property
    def nbytes(self) -> int:
        """The main memory that is held."""
        return sum(kept.hidden.nbytes for batches in self._kept.values() for kept in batches.values())

    def clear(self) -> None:
        """Forget everything kept."""
        self._kept = {}

    @contextmanager
    def starting_at(self, first: int, whose: str) -> Iterator[None]:
        """Until the context ends, passes through the decoder start at block `first`, or at a block before it whose
        input was kept on the same batch; what enters block `first` is kept for the next time.

        Everything before block `first` must be undamaged, and nothing that happens in the blocks before it observed. Of
        the batches of `whose` only those that come by in this context stay kept. A whole pass where `fault`, and where
        the decoder is given what cannot be recognised, such as a cache.
        """
        if first == 0 or self.fault is not None:
            yield
            return
        batches, met = self._kept.setdefault(whose, {}), set[bytes]()

        def forward(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            batch = _fingerprint((args, kwargs))
            if batch is None:
                return original(*args, **kwargs)
            met.add(batch)
            with self._shortened(batches, batch, first):
                return original(*args, **kwargs)

        with overridden(self._parts.decoder, partial(forward, self._parts.decoder.forward)):
            yield
        self._kept[whose] = {batch: kept for batch, kept in batches.items() if batch in met}

    @contextmanager
    def _shortened(self, batches: dict[bytes, _Kept], batch: bytes, first: int) -> Iterator[None]:
        """For one pass: blocks give what was kept where that is of use, and what enters block `first` is kept."""
        kept = batches.get(batch)

        def keep(module: Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
            hidden = args[0] if args else named["hidden_states"]
            batches[batch] = _Kept(first, hidden.detach().to("cpu", copy=True), hidden.device)

        with ExitStack() as stack:
            if kept is not None and kept.layer <= first:
                hidden = kept.hidden.to(kept.device, copy=True)  # a model may overwrite it
                for layer in range(kept.layer):
                    rest = self._kinds[layer]
                    output = hidden if rest is None else (hidden, *rest)
                    stack.enter_context(overridden(self._parts.blocks[layer], _always(output)))
            if kept is None or kept.layer != first:
                hook = self._parts.blocks[first].register_forward_pre_hook(keep, with_kwargs=True)
                stack.callback(hook.remove)
            yield

    @torch.inference_mode()
    def _try(self, model: Any) -> str | None:
        """Why passes must not start midway, as a clause; None where they may."""
        self.fault = None
        if self._shares_weights():
            return "its blocks share weights"
        try:
            whole = self._learn_kinds(model)
            depth = len(self._parts.blocks)
            for first in sorted({1, depth // 2, depth - 1} & set(range(1, depth))):
                with self.starting_at(first, "trial"):
                    kept, _, reused = [self._logits(model, opening) for opening in (1, 2, 1)]
                if not (_same_bits(kept, whole) and _same_bits(reused, whole)):
                    return f"logits of passes that start at layer {first} differ from those of whole passes"
        except Exception as error:
            if is_out_of_memory(error):
                raise
            return f"a pass that starts midway fails with {type(error).__name__}: {str(error)[:200]}"
        return None

    def _learn_kinds(self, model: Any) -> Tensor:
        """Notes what each block returns, and gives the logits of a whole pass."""
        kinds: dict[Module, tuple[None, ...] | None] = {}

        def note(block: Module, args: Any, output: Any) -> None:
            kinds[block] = None if isinstance(output, Tensor) else (None,) * (len(output) - 1)

        with ExitStack() as hooks:
            for block in self._parts.blocks:
                hooks.callback(block.register_forward_hook(note).remove)
            logits = self._logits(model, 1)
        self._kinds = [kinds[block] for block in self._parts.blocks]
        return logits

    def _logits(self, model: Any, opening: int) -> Tensor:
        """Of two short texts, the first of which begins with the token `opening` and the second is padded: [2, tokens,
        vocabulary]. The text of another opening in between shows what a model remembers beside the hidden states."""
        embedding: Any = self._parts.embedding.weight
        tokens = min(_TOKENS, self._parts.context)
        ids = (torch.arange(2 * tokens, device=embedding.device).view(2, tokens) + opening) % embedding.shape[0]
        mask = torch.ones_like(ids)
        mask[1, tokens // 2 + 1 :] = 0
        logits: Tensor = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        return logits

    def _shares_weights(self) -> bool:
        owners = Counter(id(parameter) for block in self._parts.blocks for parameter in block.parameters())
        return max(owners.values()) > 1


def _always(output: Any) -> Callable[..., Any]:
    return lambda *args, **kwargs: output


def _fingerprint(arguments: Any) -> bytes | None:
    """A digest of all that a module is called with: equal arguments, equal digests. None where something in it is
    neither a tensor nor plain data."""
    hashed = hashlib.blake2b(digest_size=16)
    return hashed.digest() if _absorb(arguments, hashed) else None


def _absorb(argument: Any, hashed: Any) -> bool:
    if isinstance(argument, Tensor):
        hashed.update(f"{argument.dtype}{tuple(argument.shape)}".encode())
        hashed.update(argument.detach().contiguous().reshape(-1).view(torch.uint8).cpu().numpy().data)
        return True
    if isinstance(argument, tuple | list | dict):
        hashed.update(f"{type(argument).__name__}{len(argument)}".encode())
        parts = argument.items() if isinstance(argument, dict) else argument
        return all(_absorb(part, hashed) for part in parts)
    hashed.update(f"{argument!r};".encode())
    return argument is None or isinstance(argument, bool | int | float | str)


def _same_bits(one: Tensor, other: Tensor) -> bool:
    """Equal in every bit; nan equals the same nan."""
    pair = [tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (one, other)]
    return one.dtype == other.dtype and one.shape == other.shape and torch.equal(*pair)
