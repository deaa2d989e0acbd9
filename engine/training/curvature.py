"""Directions in which the loss curves most, and least: eigenvectors of its Hessian, which is only ever multiplied by
vectors (Pearlmutter 1994)."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.attention import SDPBackend, sdpa_kernel

from engine.progress import Progress, silent
from engine.training.trainer import Example, mean_loss

Vector = list[Tensor]
"""One tensor a parameter, in its shape and dtype."""

_TOLERANCE = 1e-6
"""Relative change of an eigenvalue at which a search ends."""
_FLAT = 1e-6
"""|H v| as a share of the largest eigenvalue at which a direction counts as flat."""
_STEP = 1e-3
"""Of finite differences: the length of the step, as a share of the weights' own."""


@dataclass(frozen=True)
class Direction:
    """A unit vector v with its curvature v·Hv, and |Hv|, which is as large for an eigenvector."""

    vector: Vector
    curvature: float
    response: float


class Hessian:
    """Of the mean loss (nats a token) of one example, by the parameters that it was made for.

    `exact` is False where the model allows no second derivative, and differences of gradients stand in for it.
    """

    def __init__(self, model: object, parameters: Sequence[Parameter], example: Example) -> None:
        self._model, self._parameters, self._example = model, list(parameters), example
        self._gradient: list[Tensor] = []
        self.exact = True

    @contextmanager
    def ready(self) -> Iterator[None]:
        """The gradient's graph, kept for all products made inside; gradients must be on."""
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no second derivative
            self._gradient = gradient(self._loss(), self._parameters, twice=True)
            try:
                yield
            finally:
                self._gradient = []

    def times(self, vector: Vector) -> Vector:
        """H v."""
        if self.exact:
            try:
                return self._product(vector)
            except RuntimeError as error:
                if "derivative" not in str(error) and "does not require grad" not in str(error):
                    raise
                self.exact = False
        return self._difference(vector)

    def _product(self, vector: Vector) -> Vector:
        curved = [(g, v) for g, v in zip(self._gradient, vector, strict=True) if g.requires_grad]
        outputs, across = [g for g, _ in curved], [v for _, v in curved]
        parts = torch.autograd.grad(outputs, self._parameters, across, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(v) if part is None else part.detach() for part, v in zip(parts, vector, strict=True)]

    def drawn(self, generator: torch.Generator) -> Vector:
        """A random unit vector."""
        vector = [torch.randn(p.shape, generator=generator).to(p) for p in self._parameters]
        return scaled(vector, 1 / norm(vector))

    def _loss(self) -> Tensor:
        return mean_loss(self._model, self._example)

    def _difference(self, vector: Vector) -> Vector:
        """(g(w + h v) - g(w - h v)) / 2h, with the weights put back bit for bit."""
        size = _STEP * max(norm([p.detach() for p in self._parameters]), 1e-12) / max(norm(vector), 1e-300)
        before = [p.detach().clone() for p in self._parameters]
        sides = []
        for sign in (1.0, -1.0):
            with torch.no_grad():
                for p, kept, v in zip(self._parameters, before, vector, strict=True):
                    p.copy_(kept + sign * size * v)
            sides.append(gradient(self._loss(), self._parameters))
        with torch.no_grad():
            for p, kept in zip(self._parameters, before, strict=True):
                p.copy_(kept)
        return [(one - other) / (2 * size) for one, other in zip(*sides, strict=True)]


def gradient(loss: Tensor, parameters: Sequence[Parameter], *, twice: bool = False) -> Vector:
    """Of the loss by the parameters; 0 by those that it does not depend on. `twice`: it can be derived again."""
    parts = torch.autograd.grad(loss, list(parameters), create_graph=twice, allow_unused=True)
    return [
        torch.zeros_like(p, requires_grad=False) if part is None else part
        for part, p in zip(parts, parameters, strict=True)
    ]


def leading(
    hessian: Hessian, count: int, iterations: int, generator: torch.Generator, progress: Progress = silent
) -> list[Direction]:
    """The `count` directions of largest |curvature|, by power iteration with those found before taken out."""
    before: list[Direction] = []
    for number in range(count):
        vector, value = hessian.drawn(generator), math.nan
        for step in range(iterations):
            progress(number * iterations + step, count * iterations)
            product = _without(hessian.times(_unit(_without(vector, before))), before)
            latest, length = dot(vector, product), norm(product)
            if not length > 0 or not math.isfinite(length):
                break
            vector = scaled(product, 1 / length)
            if abs(latest - value) <= _TOLERANCE * abs(latest):
                break
            value = latest
        before.append(_direction(hessian, vector))
    return before


def near_null(
    hessian: Hessian, count: int, iterations: int, generator: torch.Generator, progress: Progress = silent
) -> list[Direction]:
    """`count` orthogonal directions along which the loss hardly curves.

    Of a random vector b that part is taken which H cannot reach: the residual r = b - H x of the least squares problem,
    by conjugate gradients on its normal equations (CGLS; Björck, Numerical Methods for Least Squares Problems, 1996,
    section 7.4). What lies along an eigenvector fades the faster the larger its |eigenvalue|; what is flat stays.
    (Power iteration, which published searches use for this, finds the very opposite.)
    """
    steepest = leading(hessian, 1, iterations, generator)[0].response
    before: list[Direction] = []
    for number in range(count):
        rest = _without(hessian.drawn(generator), before)
        gradient = hessian.times(rest)
        way, square = gradient, dot(gradient, gradient)
        for step in range(iterations):
            progress(number * iterations + step, count * iterations)
            if not math.sqrt(max(square, 0.0)) > _FLAT * steepest * norm(rest):
                break
            across = hessian.times(way)
            length = dot(across, across)
            if not length > 0:
                break
            rest = added(rest, across, -square / length)
            gradient = hessian.times(rest)
            latest = dot(gradient, gradient)
            way, square = added(gradient, way, latest / square), latest
        before.append(_direction(hessian, _unit(_without(rest, before))))
    return before


def dot(one: Vector, other: Vector) -> float:
    """Their inner product, in float64."""
    return float(sum((a.double() * b.double()).sum() for a, b in zip(one, other, strict=True)))


def norm(vector: Vector) -> float:
    """Its length."""
    return math.sqrt(dot(vector, vector))


def scaled(vector: Vector, factor: float) -> Vector:
    """The vector, `factor` times as long."""
    return [part * factor for part in vector]


def added(one: Vector, other: Vector, factor: float) -> Vector:
    """one + factor · other."""
    return [a + factor * b for a, b in zip(one, other, strict=True)]


def _unit(vector: Vector) -> Vector:
    length = norm(vector)
    return scaled(vector, 1 / length) if length > 0 else vector


def _without(vector: Vector, directions: Sequence[Direction]) -> Vector:
    for one in directions:
        vector = added(vector, one.vector, -dot(vector, one.vector))
    return vector


def _direction(hessian: Hessian, vector: Vector) -> Direction:
    product = hessian.times(vector)
    return Direction(vector, dot(vector, product), norm(product))
