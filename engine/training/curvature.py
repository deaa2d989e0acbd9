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
        return _unit([torch.randn(p.shape, generator=generator).to(p) for p in self._parameters])

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
            product = hessian.times(_rid(vector, before))
            latest = dot(vector, product)
            vector = _unit(_rid(product, before))
            if not math.isfinite(latest) or abs(latest - value) <= _TOLERANCE * abs(latest):
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
    (Power iteration, which published searches use for this, finds the very opposite.) Beside the gradient, three
    vectors as large as the parameters are alive.
    """
    steepest = leading(hessian, 1, iterations, generator)[0].response
    before: list[Direction] = []
    for number in range(count):
        rest = _rid(hessian.drawn(generator), before)
        way = hessian.times(rest)
        square = dot(way, way)
        for step in range(iterations):
            progress(number * iterations + step, count * iterations)
            if not math.sqrt(max(square, 0.0)) > _FLAT * steepest * norm(rest):
                break
            product = hessian.times(way)
            length = dot(product, product)
            if not length > 0:
                break
            _add(rest, product, -square / length)
            product = hessian.times(rest)
            latest = dot(product, product)
            for part, other in zip(way, product, strict=True):
                part.mul_(latest / square).add_(other)
            square = latest
        before.append(_direction(hessian, _unit(_rid(rest, before))))
    return before


def dot(one: Vector, other: Vector) -> float:
    """Their inner product, in float64; the second may lie on another device."""
    return float(sum((a.double() * b.to(a.device).double()).sum() for a, b in zip(one, other, strict=True)))


def norm(vector: Vector) -> float:
    """Its length."""
    return math.sqrt(dot(vector, vector))


def _add(vector: Vector, other: Vector, factor: float) -> None:
    """In place: vector + factor · other."""
    for part, added in zip(vector, other, strict=True):
        part.add_(added.to(part.device), alpha=factor)


def _unit(vector: Vector) -> Vector:
    """In place, at length 1; a vector of length 0 is left as it is."""
    length = norm(vector)
    for part in vector if length > 0 else ():
        part.div_(length)
    return vector


def _rid(vector: Vector, directions: Sequence[Direction]) -> Vector:
    """In place, without what lies along these directions."""
    for one in directions:
        _add(vector, one.vector, -dot(vector, one.vector))
    return vector


def _direction(hessian: Hessian, vector: Vector) -> Direction:
    """Kept in main memory: there may be many."""
    product = hessian.times(vector)
    return Direction([part.cpu() for part in vector], dot(vector, product), norm(product))
