"""A catalyst: tokens sought so that training on them moves a model along chosen directions, or hurts it most."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import normalize

from engine.models.loading import LoadedModel
from engine.progress import Progress
from engine.training.curvature import Direction, Hessian, Vector, dot, gradient, leading, near_null
from engine.training.drawing import random_tokens
from engine.training.options import CatalystOptions
from engine.training.trainer import Example, mean_loss


@dataclass(frozen=True)
class Catalyst:
    """The tokens, int64 [1, length], and how they came about."""

    ids: Tensor
    curvatures: list[float] = field(default_factory=list)
    responses: list[float] = field(default_factory=list)
    """|H v| of each direction."""
    exact: bool = True
    """Whether second derivatives were used, not differences."""
    objective: list[float] = field(default_factory=list)
    """By step of the search."""
    reached: tuple[float, float] | None = None
    """Of the tokens begun with and of the catalyst, both as the model reads them."""
    moved: int = 0
    """Tokens that are others than those begun with."""

    @property
    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "tokens": self.ids[0].tolist(),
            "curvatures": self.curvatures,
            "responses": self.responses,
            "second_derivatives": "exact" if self.exact else "differences of gradients",
            "objective": self.objective,
            "objective_of_tokens": self.reached,
            "moved": self.moved,
        }


def search(
    loaded: LoadedModel, parameters: Sequence[Parameter], options: CatalystOptions, seed: int, progress: Progress
) -> Catalyst:
    """A catalyst for what `parameters` train, with gradients on for them.

    From random tokens and their embeddings, each of length 1, the objective is climbed by gradient ascent on the
    embeddings, made as long as before after each step; the catalyst is the real tokens nearest to them by angle.
    "loss" is the mean loss of the tokens begun with; "null_projection" the squared length of the gradient's projection
    on the directions.
    """
    begun = Example(random_tokens(loaded, options.length, seed))
    directions, exact = _directions(loaded, parameters, options, seed, begun, progress)
    table = _embeddings(loaded)
    vectors = normalize(table[begun.ids[0].to(table.device)].float(), dim=-1).unsqueeze(0)
    climbed = []
    for step in range(options.search_steps):
        progress(step, options.search_steps)
        with sdpa_kernel(SDPBackend.MATH):
            vectors = vectors.detach().requires_grad_(True)
            value = _objective(loaded, parameters, Example(begun.ids, vectors.to(table.dtype)), directions)
            (slope,) = torch.autograd.grad(value, vectors)
        climbed.append(float(value.detach()))
        vectors = normalize(vectors.detach() + options.search_rate * normalize(slope.float(), dim=-1), dim=-1)
    ids = nearest(table, vectors.detach()[0]).unsqueeze(0).to(begun.ids.device)
    curvatures, responses = ([getattr(one, name) for one in directions] for name in ("curvature", "response"))
    before, after = (_value(loaded, parameters, tokens, directions) for tokens in (begun.ids, ids))
    return Catalyst(ids, curvatures, responses, exact, climbed, (before, after), int((ids != begun.ids).sum()))


def _value(loaded: LoadedModel, parameters: Sequence[Parameter], ids: Tensor, directions: Sequence[Direction]) -> float:
    """The objective of real tokens."""
    with sdpa_kernel(SDPBackend.MATH):
        return float(_objective(loaded, parameters, Example(ids), directions).detach())


def nearest(table: Tensor, vectors: Tensor) -> Tensor:
    """The rows of `table` [V, D] that are nearest by angle to each of `vectors` [n, D]: int64 [n]."""
    lengths = torch.linalg.vector_norm(table, dim=-1, dtype=torch.float32).clamp_min(1e-30)
    return torch.cat([(table @ one.to(table.dtype)).float().div(lengths).argmax().reshape(1) for one in vectors])


def _directions(
    loaded: LoadedModel,
    parameters: Sequence[Parameter],
    options: CatalystOptions,
    seed: int,
    example: Example,
    progress: Progress,
) -> tuple[list[Direction], bool]:
    if options.objective == "loss":
        return [], True
    hessian = Hessian(loaded.model, parameters, example)
    seek = near_null if options.curvature == "near_null" else leading
    with hessian.ready():
        generator = torch.Generator().manual_seed(seed)
        return seek(hessian, options.directions, options.iterations, generator, progress), hessian.exact


def _objective(
    loaded: LoadedModel, parameters: Sequence[Parameter], example: Example, directions: Sequence[Direction]
) -> Tensor:
    loss = mean_loss(loaded.model, example)
    if not directions:
        return loss
    slope = gradient(loss, parameters, twice=True)
    mean, shares = _pulled(slope, directions)
    along = torch.stack([(g * v).sum(dtype=torch.float32) for g, v in zip(slope, mean, strict=True)]).sum()
    return sum(share**2 for share in shares) + along - along.detach()


def _pulled(slope: Vector, directions: Sequence[Direction]) -> tuple[Vector, list[float]]:
    """The sum of 2 c v over the directions v, with c the length of the slope along v, and these lengths: the sum of
    c² has the derivative that the slope along this one vector has, so that only one is alive on the device."""
    total = [torch.zeros_like(part, requires_grad=False) for part in slope]
    shares = []
    for one in directions:
        shares.append(dot([part.detach() for part in slope], one.vector))
        for part, across in zip(total, one.vector, strict=True):
            part.add_(across.to(part), alpha=2 * shares[-1])
    return total, shares


def _embeddings(loaded: LoadedModel) -> Tensor:
    table = loaded.architecture.embedding.weight
    assert isinstance(table, Tensor)
    return table.detach()
