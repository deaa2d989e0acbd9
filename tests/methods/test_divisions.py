"""Weights are divided as IEEE 754 says on every device. A GPU divides by a plain number, or by a tensor of the host, by
multiplying with its rounded reciprocal, which is one bit off for many numbers: so nothing here may divide that way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import Parameter
from torch.utils._python_dispatch import TorchDispatchMode

from engine import catalog
from engine.methods import apply, quantise
from engine.profile.options import table_of
from engine.scores.gradients import _mean_square
from engine.weights.slices import Slice

LEVELS = {"bit_flips": 0.01, "svd_truncate": 0.5, "uni_quant": 7, "uni_quant_lineal": 7}


class Divisions(TorchDispatchMode):
    """Notes every division of a tensor by a plain number or by a tensor elsewhere, and of a plain number."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch says nothing of its types
        self.inexact: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__.rstrip("_")
        if name == "reciprocal":
            self.inexact.append("a number by a tensor")
        elif name in ("div", "divide", "true_divide"):
            tensor, divisor = args[:2]
            if not isinstance(divisor, Tensor) or divisor.device != tensor.device:
                self.inexact.append(f"{tuple(tensor.shape)} by {divisor}")
        return func(*args, **(kwargs or {}))


@contextmanager
def exact() -> Iterator[None]:
    with Divisions() as seen:
        yield
    assert not seen.inexact


def test_a_division_that_is_none_is_noticed() -> None:
    divisions: tuple[Callable[[Tensor], Tensor], ...] = (
        lambda x: x / 3,
        lambda x: x.div_(3.0),
        lambda x: 2 / x,
        lambda x: x / torch.ones((), device="cpu"),
    )
    for divide in divisions:
        with Divisions() as seen:
            divide(torch.ones(2, 2, device="meta"))
        assert len(seen.inexact) == 1


def test_what_devices_other_than_the_processor_compute() -> None:
    """On a device without numbers: what would happen on a GPU."""
    weights = torch.empty(5, 7, device="meta")
    with exact():
        quantise._to_grid(weights, -1.0, 1.0, 6.0)
        quantise._round(weights, 6.0, symmetric=True)
        _mean_square(weights, 3)


@pytest.mark.parametrize("method", sorted(name for name, info in catalog.methods().items() if info.acts_on == "slice"))
def test_no_method_divides_by_a_number(method: str) -> None:
    info = catalog.method(method)
    if info.level is None:
        return
    options = [
        {},
        *(
            {name: choice}
            for name, option in table_of(info).model_fields.items()
            for choice in get_args(option.annotation)
        ),
    ]
    for chosen in options:
        weights = torch.randn(40, 30, generator=torch.Generator().manual_seed(0))
        piece = Slice("w", Parameter(weights, requires_grad=False))
        with exact():
            assert apply(method, [piece], LEVELS.get(method, 0.3), 1, chosen) == weights.numel()


@pytest.mark.parametrize("steps", [2, 3, 6, 10, 15, 31, 99, 254, 1000, 65535])
def test_shares_are_numpys_quotients_bit_for_bit(steps: int) -> None:
    """Numbers from 0 to the number of steps are on the grid from the start: what comes out is the share itself."""
    places = torch.arange(steps + 1, dtype=torch.float32)
    share = (places.numpy() / np.float32(steps)).astype(np.float32)
    expected = (np.float32(1) - share) * np.float32(0) + share * np.float32(steps)
    whole, rows = places.clone(), places.clone().unsqueeze(0)
    quantise._to_grid(whole, 0.0, float(steps), float(steps))
    quantise._round(rows, float(steps), symmetric=False)
    assert np.array_equal(whole.numpy().view(np.int32), expected.view(np.int32))
    assert np.array_equal(rows[0].numpy().view(np.int32), expected.view(np.int32))
