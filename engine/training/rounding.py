"""Rounding to 16 bits so that steps smaller than the spacing of weights are taken now and then."""

import torch
from torch import Tensor


def stochastic(values: Tensor, dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Float32 `values` in `dtype` (bfloat16 or float16): of the two nearest numbers one at random, so that the mean of
    many roundings is the value itself. What `dtype` holds exactly, and what is not finite, stays as it is."""
    near = values.to(dtype)
    error = values - near.float()
    other = _neighbour(near, error)
    gap = (other.float() - near.float()).abs()
    drawn = torch.rand(values.shape, generator=generator, device=values.device, dtype=torch.float32)
    move = (error != 0) & torch.isfinite(gap) & (drawn * gap < error.abs())
    return torch.where(move, other, near)


def _neighbour(near: Tensor, direction: Tensor) -> Tensor:
    """The next number of the same dtype in the direction of `direction`'s sign."""
    bits = near.view(torch.int16).to(torch.int32)
    magnitude, negative = bits & 0x7FFF, bits < 0
    up = direction > 0
    step = torch.where(up == negative, -1, 1)  # away from zero where it grows
    zero = magnitude == 0
    moved = torch.where(zero, 1, magnitude + step)
    sign = torch.where(zero, ~up, negative)
    word = moved | torch.where(sign, 0x8000, 0)
    return word.to(torch.int16).view(near.dtype)
