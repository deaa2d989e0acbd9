"""uni_quant's one pass against its definition, step by step in float32: every bit, for every dtype, shape and range."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import Parameter

from engine.errors import LesionError
from engine.methods import apply
from engine.methods.quantise import _to_grid
from engine.weights.slices import Slice

DTYPES = [torch.float32, torch.bfloat16, torch.float16]


def by_hand(weights: Tensor, level: int, *, symmetric: bool) -> Tensor:
    """The definition, in numpy's float32, rounded to the weights' dtype at the end."""
    wide = weights.float().numpy()
    low, high = wide.min(), wide.max()
    if low == high:
        return weights
    if symmetric:
        low, high = -max(-low, high), max(-low, high)
    steps = np.float32(level - 1)
    scale = np.float32((level - 1) / (float(high) - float(low)))
    share = np.clip(np.rint((wide - low) * scale), 0, steps) / steps
    return torch.from_numpy((np.float32(1) - share) * low + share * high).to(weights.dtype)


def normal(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return (torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 0.02).to(dtype)


def bits(weights: Tensor) -> Tensor:
    return weights.contiguous().view(torch.uint8)


def quantised(weights: Tensor, level: int, columns: Any = None, **options: str) -> Tensor:
    parameter = Parameter(weights.clone(), requires_grad=False)
    apply("uni_quant", [Slice("w", parameter, 1 if columns else 0, columns)], level, 0, options)
    return parameter.detach()


@pytest.mark.parametrize("bounds", ["asymmetric", "symmetric"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("level", [2, 3, 16, 255, 65536])
def test_every_bit_of_a_matrix_and_of_columns_of_it(level: int, dtype: torch.dtype, bounds: str) -> None:
    weights = normal(300, 611, dtype=dtype)
    found = quantised(weights, level, bounds=bounds)
    assert torch.equal(bits(found), bits(by_hand(weights, level, symmetric=bounds == "symmetric")))
    found = quantised(weights, level, ((0, 7), (100, 611)), bounds=bounds)
    chosen = torch.cat([weights[:, :7], weights[:, 100:]], 1)
    expected = by_hand(chosen, level, symmetric=bounds == "symmetric")
    assert torch.equal(bits(found[:, :7]), bits(expected[:, :7]))
    assert torch.equal(bits(found[:, 100:]), bits(expected[:, 7:]))
    assert torch.equal(bits(found[:, 7:100]), bits(weights[:, 7:100]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_formula_for_other_devices_gives_the_same_bits(dtype: torch.dtype) -> None:
    weights = normal(100, 611, dtype=dtype)
    found = weights.clone()
    _to_grid(found, float(weights.min()), float(weights.max()), 6.0)
    assert torch.equal(bits(found), bits(quantised(weights, 7)))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_long_vectors_whatever_the_threads(threads: int) -> None:
    weights = normal(2 * 2**20 + 17)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert torch.equal(bits(quantised(weights, 9)), bits(by_hand(weights, 9, symmetric=False)))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("values", [[0.0], [-1e-42, 1e-42], [5.0] * 9, [-3e38, 1.0, 3e38], [-7.0, -3.0, -1.5]])
@pytest.mark.parametrize("level", [2, 5, 65536])
def test_single_constant_tiny_and_huge_weights(values: list[float], level: int) -> None:
    weights = torch.tensor(values)
    with np.errstate(all="ignore"):
        expected = by_hand(weights, level, symmetric=False)
    assert torch.equal(bits(quantised(weights, level)), bits(expected))


@pytest.mark.parametrize("bad", [float("nan"), -float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("place", [0, 77, 1099])
def test_one_weight_without_a_size_is_refused_wherever_it_is(bad: float, place: int) -> None:
    weights = normal(1100)
    weights[place] = bad
    parameter = Parameter(weights, requires_grad=False)
    with pytest.raises(LesionError, match="needs finite weights"):
        apply("uni_quant", [Slice("w", parameter)], 4, 0)
    assert torch.equal(bits(parameter.detach()), bits(weights))
