"""Damage in one pass has the bits of the plain form: numbers written down first, then used by torch."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter

from engine.methods import apply
from engine.weights.draws import Draws
from engine.weights.slices import Slice

SEED = 11
Plain = Callable[[Slice, Tensor, float], Tensor]

PARTS: dict[str, dict[str, object]] = {
    "whole": {},
    "rows": {"ranges": ((3, 4), (10, 60))},
    "columns": {"dim": 1, "ranges": ((5, 69), (300, 301), (600, 700))},
    "expert": {"expert": 1},
    "columns of an expert": {"expert": 2, "dim": 1, "ranges": ((0, 13), (255, 600))},
}


@pytest.fixture(params=[1, 2])
def _threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def a_slice(part: str, dtype: torch.dtype) -> Slice:
    """Numbers of either sign, with zeros, an infinite one and one that is none, in a tensor of odd width."""
    shape = (3, 301, 701) if "expert" in part else (301, 701)
    weights = torch.randn(shape, generator=torch.Generator().manual_seed(3)).to(dtype)
    flat = weights.view(-1)
    flat[::97], flat[1], flat[255] = 0.0, float("nan"), float("inf")
    return Slice("a.weight", Parameter(weights, requires_grad=False), **PARTS[part])  # type: ignore[arg-type]


def noise(piece: Slice, weights: Tensor, level: float) -> Tensor:
    return weights.clone().mul_(Draws(SEED).normal(piece).mul_(level).add_(1))


def zeros(piece: Slice, weights: Tensor, level: float) -> Tensor:
    return weights.masked_fill(Draws(SEED).uniform(piece) < level, 0.0)


def signs(piece: Slice, weights: Tensor, level: float) -> Tensor:
    return torch.where(Draws(SEED).uniform(piece) < level, -weights, weights)


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("method", "plain"), [("mult_gauss", noise), ("ablation", zeros), ("sign_flip", signs)])
def test_bits_are_those_of_the_plain_form(method: str, plain: Plain, dtype: torch.dtype, part: str) -> None:
    integer = torch.int32 if dtype == torch.float32 else torch.int16
    for level in (0.1, 0.37, 1.0):
        piece = a_slice(part, dtype)
        before, whole = piece.gather().clone(), piece.tensor.detach().clone()
        expected = plain(piece, before, level)
        assert apply(method, [piece], level, SEED) == piece.numel
        after = piece.gather()
        known = ~expected.isnan()
        assert torch.equal(after.isnan(), ~known)
        assert torch.equal(after.view(integer)[known], expected.view(integer)[known])
        piece.scatter(before)
        assert torch.equal(piece.tensor.view(integer), whole.view(integer)), "something outside the slice changed"
