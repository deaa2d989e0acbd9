"""From a gradient to a step, one parameter at a time: as soon as its gradient is there, so that no two of them live."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import SGD, Adafactor, AdamW, Optimizer

from engine.models.footprint import SMALL
from engine.training.options import TrainingOptions
from engine.training.rounding import stochastic
from engine.weights.slices import Slice


def optimiser(options: TrainingOptions, *parameters: Parameter) -> Optimizer:
    """The optimiser of these parameters, as asked for and no other."""
    rate, decay = options.learning_rate, options.weight_decay
    if options.optimiser == "adamw":
        return AdamW(parameters, lr=rate, betas=options.betas, weight_decay=decay, foreach=False)
    if options.optimiser == "sgd":
        return SGD(parameters, lr=rate, momentum=options.momentum, weight_decay=decay, foreach=False)
    if options.optimiser == "adafactor":
        return Adafactor(parameters, lr=rate, weight_decay=decay, foreach=False)
    from bitsandbytes.optim import AdamW8bit

    made: Optimizer = AdamW8bit(parameters, lr=rate, betas=options.betas, weight_decay=decay)
    return made


class Together:
    """Makes the steps of small parameters, all at once: one by one they would cost more than their arithmetic."""

    def __init__(self, parameters: Sequence[Parameter], options: TrainingOptions) -> None:
        self.parameters = tuple(parameters)
        self._optimiser = optimiser(options, *parameters) if parameters else None

    def step(self) -> None:
        """Take a step along each gradient, and free them."""
        if self._optimiser is not None:
            self._optimiser.step()
            self._optimiser.zero_grad()


class Stepper:
    """Makes the steps of one parameter, of which only `slices` may change.

    Weights in 16 bits with stochastic rounding are taken to float32 for the length of a step, and back: the optimiser's
    state is in float32, and no float32 copy of the weights is kept.
    """

    def __init__(self, parameter: Parameter, slices: Sequence[Slice], options: TrainingOptions, seed: int) -> None:
        self.parameter = parameter
        self._inside = _mask(parameter, slices)
        self._halved = _is_wide(parameter, options)
        self._wide = Parameter(parameter.detach().float()) if self._halved else parameter
        self._optimiser = optimiser(options, self._wide)
        self._generator = torch.Generator(parameter.device).manual_seed(seed)
        if self._halved:
            self._wide.data = torch.empty(0, device=parameter.device)

    def confine(self) -> None:
        """Leave of the gradient what belongs to the slices."""
        if self._inside is not None and self.parameter.grad is not None:
            self.parameter.grad.mul_(self._inside)

    @torch.no_grad()
    def step(self) -> None:
        """Take a step along the parameter's gradient, which is freed."""
        outside = None if self._inside is None else self.parameter.detach().clone()
        if self._halved:
            self._wide.data = self.parameter.detach().float()
            self._wide.grad = None if self.parameter.grad is None else self.parameter.grad.float()
            self._optimiser.step()
            self.parameter.copy_(stochastic(self._wide.detach(), self.parameter.dtype, self._generator))
            self._wide.data, self._wide.grad = torch.empty(0, device=self.parameter.device), None
        else:
            self._optimiser.step()
        if outside is not None and self._inside is not None:
            self.parameter.copy_(torch.where(self._inside, self.parameter, outside))
        self.parameter.grad = None


def is_small(parameter: Parameter, slices: Sequence[Slice], options: TrainingOptions) -> bool:
    """Whether it may take its steps together with others: it is small, trains whole, and in its own number format."""
    whole = sum(piece.numel for piece in slices) >= parameter.numel()
    return whole and parameter.numel() < SMALL and not _is_wide(parameter, options)


def _is_wide(parameter: Parameter, options: TrainingOptions) -> bool:
    """Whether its steps are taken in float32 and rounded."""
    return options.rounding == "stochastic" and parameter.dtype in (torch.bfloat16, torch.float16)


def _mask(parameter: Parameter, slices: Sequence[Slice]) -> Tensor | None:
    """Which weights lie in the slices, bool; None for all of them."""
    if sum(piece.numel for piece in slices) >= parameter.numel():
        return None
    inside = torch.zeros_like(parameter, dtype=torch.bool, requires_grad=False)
    for piece in slices:
        part = Slice(
            piece.parameter, Parameter(inside, requires_grad=False), piece.dim, piece.ranges, None, piece.expert
        )
        part.scatter(torch.ones(part.shape, dtype=torch.bool, device=inside.device))
    return inside
