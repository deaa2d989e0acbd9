"""Stochastic rounding, against what it is to be on average."""

import math

import pytest
import torch

from engine.training.rounding import stochastic

DTYPES = [torch.bfloat16, torch.float16]


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_the_format_holds_stays(dtype: torch.dtype) -> None:
    exact = torch.randn(1000).to(dtype).float()
    exact[:5] = torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan])
    rounded = stochastic(exact, dtype, torch.Generator().manual_seed(0)).float()
    assert torch.equal(rounded.nan_to_num(7.0), exact.nan_to_num(7.0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [1 / 3, -1 / 3, 1e-3 / 7, -0.99999, 1.00001, 1e-9])
def test_the_mean_is_the_value_and_only_its_neighbours_come(dtype: torch.dtype, value: float) -> None:
    count = 200_000
    values = torch.full((count,), value)
    rounded = stochastic(values, dtype, torch.Generator().manual_seed(1)).double()
    low, high = sorted(rounded.unique().tolist())
    assert low < values[0].item() < high
    near = torch.tensor(value).to(dtype)
    towards = torch.tensor(math.inf if near.double() < values[0].double() else -math.inf)
    other = torch.nextafter(near.float(), towards)
    while other.to(dtype) == near:  # the next float32 that rounds elsewhere is beyond the middle
        other = near.float() + 2 * (other - near.float())
    assert {low, high} == {near.double().item(), other.to(dtype).double().item()}
    spread = (high - low) / 2 / math.sqrt(count)
    assert abs(rounded.mean().item() - values[0].item()) < 5 * spread
