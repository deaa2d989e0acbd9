"""Scores without derivatives: from the weights alone, and from what they are multiplied by."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from engine.errors import LesionError
from engine.scores.owners import Owner, owners
from engine.scores.reading import Reading
from engine.scores.score import Emit, Score, Task, names


def _magnitude(task: Task, emit: Emit) -> None:
    for name, parameter in task.parameters.items():
        emit(name, parameter.detach())


def _act_magnitude(task: Task, emit: Emit) -> None:
    """Emits, for every weight, the L2 norm over all tokens of the input channel that it multiplies."""
    linear = owners(task.loaded.model, task.parameters)
    if others := [name for name in task.parameters if name not in linear]:
        raise LesionError(
            f"act_magnitude on {task.loaded.name}: {names(others)} is not the matrix of one linear layer (embeddings, "
            "norms, biases, experts and tied heads are not); use groups of attention or MLP matrices, or another score"
        )
    squares = _squared_inputs(task, linear)
    for name, parameter in task.parameters.items():
        norms = squares.pop(name).sqrt().float()
        shape = (1, -1) if linear[name].inputs == 1 else (-1, 1)
        emit(name, norms.view(shape).expand(parameter.shape).contiguous())


def _squared_inputs(task: Task, linear: dict[str, Owner]) -> dict[str, Tensor]:
    """By parameter, the sum over all tokens but padding of the squared inputs: float64 [input channels]."""
    reading = Reading(task.loaded, task.spec)
    head = task.loaded.architecture.head
    read: Callable[..., Any] = task.loaded.architecture.decoder
    if any(owner.module is head for owner in linear.values()):
        read = task.loaded.model
    total: dict[str, Tensor] = {}
    real = torch.empty(0, dtype=torch.bool)

    def add(name: str, module: Module, args: tuple[Tensor, ...]) -> None:
        rows = args[0].flatten(0, -2)[real]  # some models flatten [windows, tokens] themselves
        total[name] = total.get(name, 0) + rows.float().square().sum(0, dtype=torch.float64)

    hooks = [owner.module.register_forward_pre_hook(partial(add, name)) for name, owner in linear.items()]
    try:
        with torch.inference_mode():
            for batch in reading.batches:
                ids, mask = reading.inputs(batch)
                real = mask.flatten().bool()
                read(input_ids=ids, attention_mask=mask, use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return total


MAGNITUDE = Score(_magnitude, lambda evidence, weights: weights.float().abs())
"""|w|."""

ACT_MAGNITUDE = Score(_act_magnitude, lambda evidence, weights: evidence.mul(weights.float().abs()))
"""|w| ‖x‖ with ‖x‖ the L2 norm over all tokens of the input channel that w multiplies (Sun et al. 2023, Wanda)."""
