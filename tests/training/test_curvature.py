"""Products with the Hessian, and directions, against the whole Hessian of a small model in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import Parameter
from torch.nn.functional import cross_entropy

from engine.models.loading import LoadedModel
from engine.scores.reading import differentiable
from engine.training.curvature import Hessian, Vector, dot, leading, near_null, norm
from engine.training.trainer import Example
from tests.training.conftest import example

Open = Callable[..., LoadedModel]


@pytest.fixture
def loaded(open_model: Open) -> LoadedModel:
    found = open_model("petri-4k")
    found.model.double()
    return found


def flat(vector: Vector) -> Tensor:
    return torch.cat([part.flatten() for part in vector])


def split(vector: Tensor, parameters: list[Parameter]) -> Vector:
    shapes = [p.shape for p in parameters]
    parts = vector.split([shape.numel() for shape in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]


def gradient_at(loaded: LoadedModel, moved: Vector, example: Example) -> Tensor:
    """Of the loss where the weights are elsewhere, written out: softmax in float32 as training has it, then by hand."""
    names = [name for name, _ in loaded.model.named_parameters()]
    leaves = [part.detach().requires_grad_(True) for part in moved]
    logits = functional_call(loaded.model, dict(zip(names, leaves, strict=True)), (), {"input_ids": example.ids}).logits
    loss = cross_entropy(logits[0, :-1], example.ids[0, 1:])
    return flat(list(torch.autograd.grad(loss, leaves)))


@pytest.fixture
def hessian(loaded: LoadedModel) -> tuple[Hessian, LoadedModel]:
    return Hessian(loaded.model, list(loaded.model.parameters()), example(12)), loaded


def test_products_against_finite_differences(hessian: tuple[Hessian, LoadedModel]) -> None:
    ours, loaded = hessian
    parameters = list(loaded.model.parameters())
    with differentiable(loaded, parameters), ours.ready():
        vector = ours.drawn(torch.Generator().manual_seed(3))
        product = flat(ours.times(vector))
    sides = []
    for sign in (1, -1):
        moved = [p.detach() + sign * 1e-5 * v for p, v in zip(parameters, vector, strict=True)]
        with torch.enable_grad():
            sides.append(gradient_at(loaded, moved, example(12)))
    expected = (sides[0] - sides[1]) / 2e-5
    assert ours.exact
    assert (product - expected).norm() < 2e-4 * expected.norm()


@pytest.mark.slow
def test_the_steepest_and_the_flattest(hessian: tuple[Hessian, LoadedModel]) -> None:
    _, loaded = hessian
    parameters = [p for block in loaded.architecture.blocks for p in block.parameters()]
    count, ours = sum(p.numel() for p in parameters), Hessian(loaded.model, parameters, example(12))
    with differentiable(loaded, parameters), ours.ready():
        whole = torch.stack([flat(ours.times(split(row, parameters))) for row in torch.eye(count, dtype=torch.float64)])
        values = torch.linalg.eigvalsh((whole + whole.T) / 2)
        order = values[values.abs().argsort(descending=True)]
        steep = leading(ours, 2, 200, torch.Generator().manual_seed(1))
        flattest = near_null(ours, 2, 300, torch.Generator().manual_seed(2))
    assert (whole - whole.T).norm() < 1e-4 * whole.norm()
    assert steep[0].curvature == pytest.approx(order[0].item(), rel=1e-3)
    assert abs(dot(steep[0].vector, steep[1].vector)) < 1e-6
    for one in flattest:
        assert norm(one.vector) == pytest.approx(1)
        assert one.response < 5e-3 * abs(order[0])
        assert (whole @ flat(one.vector)).norm() == pytest.approx(
            one.response, rel=0.1, abs=1e-5 * abs(order[0]).item()
        )
    for number, one in enumerate(flattest):
        for other in flattest[:number]:
            assert abs(dot(one.vector, other.vector)) < 1e-6


def test_differences_stand_in_where_no_second_derivative_is(hessian: tuple[Hessian, LoadedModel]) -> None:
    ours, loaded = hessian
    parameters = list(loaded.model.parameters())
    before = [p.detach().clone() for p in parameters]
    with differentiable(loaded, parameters), ours.ready():
        vector = ours.drawn(torch.Generator().manual_seed(3))
        exact = flat(ours.times(vector))
        ours.exact = False
        rough = flat(ours.times(vector))
    assert (rough - exact).norm() < 0.02 * exact.norm()
    assert all(torch.equal(one, other) for one, other in zip(parameters, before, strict=True))
