"""Scores from second derivatives of the loss."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.attention import SDPBackend, sdpa_kernel

from engine.errors import LesionError
from engine.scores.reading import Reading, differentiable
from engine.scores.score import Emit, Score, Task
from engine.weights.draws import Draws
from engine.weights.slices import Slice


def probe(name: str, parameter: Parameter, seed: int, number: int) -> Tensor:
    """A random vector of +1 and -1, shaped like the parameter, in its dtype and on its device.

    A function of the seed, the probe's number, the parameter's name and the position.
    """
    # The number is part of the name, so that no probe shares its numbers with another or with a damage.
    drawn = Draws(seed).uniform(Slice(f"{name}\0hutchinson {number}", parameter))
    return drawn.lt_(0.5).mul_(2).sub_(1).to(parameter)


def add_products(
    total: dict[str, Tensor], loss: Tensor, parameters: dict[str, Parameter], probes: Iterable[dict[str, Tensor]]
) -> None:
    """Adds to `total`, for every probe v, v * (H v): its expectation is the diagonal of H, the Hessian of `loss`.

    The variance of an entry, for one probe, is the sum of the squares of the other entries of its row (Bekas and
    others 2007). A parameter on which the gradient does not depend gets nothing.
    """
    leaves = list(parameters.values())
    gradients = torch.autograd.grad(loss, leaves, create_graph=True, allow_unused=True)
    curved = {name: g for name, g in zip(parameters, gradients, strict=True) if g is not None and g.requires_grad}
    if not curved:
        return
    for vectors in probes:
        across = [vectors[name] for name in curved]
        products = torch.autograd.grad(list(curved.values()), leaves, across, retain_graph=True, allow_unused=True)
        for name, product in zip(parameters, products, strict=True):
            if product is not None:
                total[name].addcmul_(vectors[name].float(), product.float())


def _hutchinson(task: Task, emit: Emit) -> None:
    """Emits an estimate of the diagonal of the Hessian of the mean loss of a token over all texts."""
    spec, parameters = task.spec, task.parameters
    if spec.probes < 1:
        raise LesionError(f"hutchinson needs at least 1 random vector, not probes = {spec.probes}")
    reading = Reading(task.loaded, spec)
    # The fused attention kernels have no second derivative.
    with differentiable(task.loaded, list(parameters.values())), sdpa_kernel(SDPBackend.MATH):
        total = {name: torch.zeros_like(p, dtype=torch.float32, requires_grad=False) for name, p in parameters.items()}
        for batch in reading.batches:
            loss = reading.loss(batch) / (reading.tokens * spec.probes)
            add_products(total, loss, parameters, (_vectors(parameters, spec.seed, n) for n in range(spec.probes)))
    for name in parameters:
        emit(name, total.pop(name))


def _vectors(parameters: dict[str, Parameter], seed: int, number: int) -> dict[str, Tensor]:
    return {name: probe(name, parameter, seed, number) for name, parameter in parameters.items()}


HUTCHINSON = Score(_hutchinson, lambda evidence, weights: evidence.abs())
"""|h| with h an estimate of the diagonal of the Hessian of the mean loss (nats/token), from `probes` random vectors of
±1. Curvature of either sign counts; for the smallest scores this finds what is flat. The whole gradient has to be alive
at once here, beside the graph of its computation: four numbers a weight, and that graph."""
