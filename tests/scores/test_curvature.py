"""Hutchinson's estimate against the exact Hessian, and that one against finite differences."""

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.attention import SDPBackend, sdpa_kernel

from engine.errors import LesionError
from engine.models.loading import LoadedModel
from engine.scores import ScoreSpec, rank
from engine.scores.curvature import add_products, probe
from tests.scores.conftest import windows

pytestmark = pytest.mark.slow

CONTEXT = 24


def mean_loss(model: torch.nn.Module, every: list[list[int]]) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for ids in every:
        logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
        total = total - torch.log_softmax(logits[:-1], dim=-1)[range(len(ids) - 1), ids[1:]].sum()
    return total / sum(len(ids) - 1 for ids in every)


def hessian(loss: Tensor, parameter: Tensor) -> np.ndarray:
    (gradient,) = torch.autograd.grad(loss, parameter, create_graph=True)
    rows = [torch.autograd.grad(g, parameter, retain_graph=True)[0].flatten() for g in gradient.flatten()]
    return torch.stack(rows).detach().numpy()


@pytest.fixture(scope="module")
def exact(subjects: dict[str, LoadedModel]) -> dict[str, tuple[str, np.ndarray]]:
    """By family, the name of one small parameter and the Hessian over it, float64."""
    found = {}
    for family in ("llama", "petri"):
        loaded = subjects[family]
        piece = loaded.architecture.slices("attn_o", layers="1")[0]
        model = deepcopy(loaded.model).double()
        parameter = dict(model.named_parameters())[piece.parameter].requires_grad_(True)
        with sdpa_kernel(SDPBackend.MATH):
            found[family] = piece.parameter, hessian(mean_loss(model, windows(loaded, CONTEXT)), parameter)
    return found


@pytest.mark.parametrize("family", ["llama", "petri"])
def test_the_hessian_used_here_agrees_with_finite_differences(
    subjects: dict[str, LoadedModel], exact: dict[str, tuple[str, np.ndarray]], family: str
) -> None:
    name, curved = exact[family]
    model = deepcopy(subjects[family].model).double()
    parameter = dict(model.named_parameters())[name].requires_grad_(True)
    flat, every = parameter.detach().view(-1), windows(subjects[family], CONTEXT)
    step = 3e-3  # of the gradient: some norms compute in float32, and the loss itself would lose its digits
    for index in (0, 17, int(np.abs(np.diag(curved)).argmax())):
        kept, slopes = float(flat[index]), []
        for shift in (-step, step):
            flat[index] = kept + shift
            (gradient,) = torch.autograd.grad(mean_loss(model, every), parameter)
            slopes.append(gradient.flatten()[index].item())
        flat[index] = kept
        assert (slopes[1] - slopes[0]) / (2 * step) == pytest.approx(curved[index, index], rel=0.01, abs=2e-5)


@pytest.mark.parametrize("batch_size", [2, 16])
@pytest.mark.parametrize("family", ["llama", "petri"])
def test_the_score_is_the_mean_of_probe_times_product(
    subjects: dict[str, LoadedModel],
    exact: dict[str, tuple[str, np.ndarray]],
    text: Callable[..., str],
    family: str,
    batch_size: int,
) -> None:
    loaded = subjects[family]
    name, curved = exact[family]
    slices = loaded.architecture.slices("attn_o", layers="1")
    spec = ScoreSpec("hutchinson", text=text(), context=CONTEXT, batch_size=batch_size, seed=5, probes=6)
    ranking = rank(slices, loaded, spec, 1.0, largest=True)
    found = np.empty(len(ranking))
    found[ranking.indices.numpy()] = ranking.scores.numpy()
    vectors = [probe(name, slices[0].tensor, 5, n).double().flatten().numpy() for n in range(6)]
    expected = np.abs(np.mean([v * (curved @ v) for v in vectors], axis=0))
    assert np.allclose(found, expected, rtol=1e-2, atol=2e-4 * expected.max())


@pytest.mark.parametrize("family", ["llama", "petri"])
def test_the_estimate_is_the_diagonal_within_its_own_spread(
    subjects: dict[str, LoadedModel], exact: dict[str, tuple[str, np.ndarray]], family: str
) -> None:
    name, curved = exact[family]
    parameter = dict(subjects[family].model.named_parameters())[name]
    probes = 64
    vectors = np.stack([probe(name, parameter, 0, n).double().flatten().numpy() for n in range(probes)])
    estimate = np.mean(vectors * (vectors @ curved), axis=0)
    diagonal = np.diag(curved)
    spread = np.sqrt((np.sum(curved**2, axis=1) - diagonal**2) / probes)
    usual = (estimate - diagonal)[spread > 0] / spread[spread > 0]
    assert 0.8 < np.mean(usual**2) < 1.25
    assert np.abs(usual).max() < 6


def test_one_probe_is_exact_for_a_diagonal_and_linear_losses_have_none() -> None:
    first, second = Parameter(torch.randn(3, 4)), Parameter(torch.randn(5))
    parameters = {"first": first, "second": second, "unused": Parameter(torch.randn(2))}
    total = {name: torch.zeros_like(p, requires_grad=False) for name, p in parameters.items()}
    scale = torch.arange(12.0).view(3, 4) - 4
    vectors = {name: probe(name, p, 1, 0) for name, p in parameters.items()}
    loss = 0.5 * (scale * first**2).sum() + second.sum()
    add_products(total, loss, parameters, [vectors])
    assert torch.equal(total["first"], scale)
    assert not total["second"].any()
    assert not total["unused"].any()
    add_products(total, second.sum(), parameters, [vectors])
    assert torch.equal(total["first"], scale)


def test_a_cross_term_between_tensors_cancels_on_average_only() -> None:
    parameters = {"a": Parameter(torch.ones(1)), "b": Parameter(torch.ones(1))}
    total = {name: torch.zeros(1) for name in parameters}
    every = [{name: probe(name, p, 0, n) for name, p in parameters.items()} for n in range(200)]
    add_products(total, (parameters["a"] ** 2 + 3 * parameters["a"] * parameters["b"]).sum(), parameters, every)
    signs = sum(float(vectors["a"] * vectors["b"]) for vectors in every)
    assert float(total["a"]) == 200 * 2 + 3 * signs
    assert abs(signs) < 60


def test_probes_are_signs_of_their_own() -> None:
    parameter = Parameter(torch.zeros(64, 64, dtype=torch.bfloat16), requires_grad=False)
    drawn = [probe(*which) for which in [("a", parameter, 0, 0), ("b", parameter, 0, 0), ("a", parameter, 1, 0)]]
    drawn.append(probe("a", parameter, 0, 1))
    assert torch.equal(drawn[0], probe("a", parameter, 0, 0))
    for index, one in enumerate(drawn):
        assert one.dtype == torch.bfloat16
        assert set(one.flatten().tolist()) == {-1.0, 1.0}
        assert all(abs(float((one.float() * other.float()).mean())) < 0.07 for other in drawn[:index])


def test_no_probes_is_a_mistake(subjects: dict[str, LoadedModel], text: Callable[..., str]) -> None:
    slices = subjects["petri"].architecture.slices("attn_o")
    with pytest.raises(LesionError, match="probes = 0"):
        rank(slices, subjects["petri"], ScoreSpec("hutchinson", text=text(), probes=0), 1, largest=True)
