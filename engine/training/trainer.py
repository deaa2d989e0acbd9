"""Steps of training: loss, gradient, and each parameter's step as soon as its gradient is there."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from engine.models.loading import LoadedModel
from engine.scores.reading import differentiable
from engine.training.lora import Adapter, attach
from engine.training.optimisers import Stepper, Together, is_small
from engine.training.options import TrainingOptions
from engine.weights.slices import Slice


@dataclass(frozen=True)
class Example:
    """What one step trains on: tokens, int64 [rows, length]; where they are not what the model reads, the embeddings
    [rows, length, width] that it reads instead."""

    ids: Tensor
    embeddings: Tensor | None = None


def mean_loss(model: Any, example: Example) -> Tensor:
    """The mean of -ln p(next token), in nats, float32 from the logits on."""
    inputs = {"input_ids": example.ids} if example.embeddings is None else {"inputs_embeds": example.embeddings}
    logits = model(**inputs, use_cache=False).logits
    return cross_entropy(logits[:, :-1].float().flatten(0, 1), example.ids[:, 1:].flatten().to(logits.device))


class Trainer:
    """Trains some slices of a model, or adapters beside them, a step at a time.

    `parameters` is what trains, by name. `undo` takes back what is added to the model.
    """

    def __init__(
        self, loaded: LoadedModel, slices: Sequence[Slice], options: TrainingOptions, seed: int, undo: ExitStack
    ) -> None:
        self._loaded, self._options = loaded, options
        self._adapters: dict[str, Adapter] = {}
        pieces: dict[str, list[Slice]] = {}
        if options.trainable == "lora":
            self._adapters = attach(loaded, slices, options, seed, undo)
            self.parameters = {
                f"{name}.{kind}": getattr(one, kind) for name, one in self._adapters.items() for kind in ("a", "b")
            }
        else:
            for piece in slices:
                pieces.setdefault(piece.parameter, []).append(piece)
            self.parameters = {name: some[0].tensor for name, some in pieces.items()}
        parts = {name: pieces.get(name, [_whole(name, one)]) for name, one in self.parameters.items()}
        small = {name for name, one in self.parameters.items() if is_small(one, parts[name], options)}
        self._together = Together([one for name, one in self.parameters.items() if name in small], options)
        self._steppers = [
            Stepper(one, parts[name], options, _seed(seed, name))
            for name, one in self.parameters.items()
            if name not in small
        ]

    @contextmanager
    def training(self) -> Iterator[None]:
        """Gradients on for what trains; afterwards the model is as measurements want it."""
        with differentiable(self._loaded, list(self.parameters.values())), self._checkpointing():
            yield

    def step(self, example: Example) -> tuple[float, float]:
        """One step, inside of `training`: the loss before it, and the length of its gradient."""
        lengths: list[Tensor] = []
        hooks = [
            stepper.parameter.register_post_accumulate_grad_hook(partial(self._take, stepper, lengths))
            for stepper in self._steppers
        ]
        try:
            loss = mean_loss(self._loaded.model, example)
            loss.backward()
        finally:
            for hook in hooks:
                hook.remove()
        lengths += [_length(one.grad) for one in self._together.parameters if one.grad is not None]
        length = math.sqrt(sum(_squares(lengths)))
        if self._options.clip is not None:
            self._clipped(length, self._options.clip)
        self._together.step()
        return float(loss.detach()), length

    def distance(self) -> float:
        """How far the adapters have moved the weights; 0 where there are none."""
        return math.sqrt(sum(adapter.distance() for adapter in self._adapters.values()))

    def _take(self, stepper: Stepper, lengths: list[Tensor], parameter: Parameter) -> None:
        stepper.confine()
        assert parameter.grad is not None
        lengths.append(_length(parameter.grad))
        if self._options.clip is None:
            stepper.step()

    def _clipped(self, length: float, longest: float) -> None:
        """The steps of large parameters along a gradient that is at most so long; those of small ones are left."""
        for parameter in self.parameters.values() if length > longest else ():
            if parameter.grad is not None:
                parameter.grad.mul_(longest / length)
        for stepper in self._steppers:
            if stepper.parameter.grad is not None:
                stepper.step()

    @contextmanager
    def _checkpointing(self) -> Iterator[None]:
        """Blocks compute their activations a second time on the way back, where that was asked for."""
        if not self._options.checkpointing:
            yield
            return
        blocks = list(self._loaded.architecture.blocks)
        try:
            for block in blocks:
                block.forward = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
            yield
        finally:
            for block in blocks:
                del block.forward  # that of its class is there again


def _squares(lengths: Sequence[Tensor]) -> list[float]:
    """Of scalars that may lie on several devices, fetched at once."""
    if not lengths:
        return []
    together = torch.stack([length.to(lengths[0].device) for length in lengths])
    squares: list[float] = together.square().double().tolist()
    return squares


def _length(gradient: Tensor) -> Tensor:
    """A float32 scalar."""
    length: Tensor = torch.linalg.vector_norm(gradient, dtype=torch.float32)
    return length


def _whole(name: str, parameter: Parameter) -> Slice:
    return Slice(name, parameter)


def _seed(seed: int, name: str) -> int:
    """Of the random numbers of one parameter's rounding."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:7], "big")
