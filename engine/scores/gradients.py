"""Scores from first derivatives of the loss.

A gradient is taken in as soon as the backward pass has computed it, and freed: with one batch of text no second one is
alive beside it (the part of a tied embedding's gradient that comes from the output head waits in autograd, as it does
in any backward pass). Several batches need a float32 sum for every parameter, which is passed on during the last one.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import Parameter

from engine.scores.reading import Reading, differentiable
from engine.scores.score import Emit, Score, Task


def _grad_x_weight(task: Task, emit: Emit) -> None:
    """Emits the gradient of the mean loss of a token over all texts."""
    reading = Reading(task.loaded, task.spec)
    losses = [partial(_mean, reading, index, reading.tokens) for index in range(len(reading.batches))]
    _collect(task, losses, lambda gradient: gradient, emit)


def _grad_squared(task: Task, emit: Emit) -> None:
    """Emits the mean over windows of the squared gradient of the mean loss of a token of the window."""
    reading = Reading(task.loaded, task.spec, batch_size=1)
    windows = len(reading.batches)
    losses = [partial(_mean, reading, index, batch[0].predicted) for index, batch in enumerate(reading.batches)]
    _collect(task, losses, partial(_mean_square, windows=windows), emit)


def _mean(reading: Reading, index: int, tokens: int) -> Tensor:
    return reading.loss(reading.batches[index]) / tokens


def _mean_square(gradient: Tensor, windows: int) -> Tensor:
    count = torch.full((), windows, dtype=torch.float32, device=gradient.device)  # by a number, a GPU would not divide
    return gradient.float().square_().div_(count)


def _collect(
    task: Task, losses: Sequence[Callable[[], Tensor]], transform: Callable[[Tensor], Tensor], emit: Emit
) -> None:
    """Emits, for every parameter, the sum over losses of its transformed gradient."""
    waiting = dict(task.parameters)
    sums: dict[str, Tensor] = {}

    def take(name: str, last: bool, parameter: Parameter) -> None:
        assert parameter.grad is not None
        summand = transform(parameter.grad)
        parameter.grad = None
        if name in sums:
            summand = sums.pop(name).add_(summand)
        if last:
            del waiting[name]
            emit(name, summand)
        else:
            sums[name] = summand.float()

    with differentiable(task.loaded, list(task.parameters.values())):
        for number, loss in enumerate(losses, start=1):
            hooks = [
                parameter.register_post_accumulate_grad_hook(partial(take, name, number == len(losses)))
                for name, parameter in task.parameters.items()
            ]
            try:
                loss().backward()
            finally:
                for hook in hooks:
                    hook.remove()
        for name, parameter in waiting.items():  # those that the last loss does not depend on
            emit(name, sums.pop(name) if name in sums else torch.zeros_like(parameter, requires_grad=False))


def _product(gradient: Tensor, weights: Tensor) -> Tensor:
    return gradient.float().mul(weights.float()).abs_()


GRAD_X_WEIGHT = Score(_grad_x_weight, _product)
"""|g w| with g the gradient of the mean loss (nats/token): the first-order change of the loss if w were zeroed. One
gradient of the whole text, not a mean of absolute ones: contributions of opposite sign cancel."""

GRAD_SQUARED = Score(_grad_squared, lambda evidence, weights: evidence.float().clone())
"""The diagonal of the empirical Fisher information, a text window being one observation: the mean of g² over windows,
with g the gradient of a window's mean loss (nats/token). Not the mean over tokens, which would need a backward pass for
each, and not the square of the mean gradient, whose windows cancel."""
