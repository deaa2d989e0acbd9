"""The bits of stored weights."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.errors import LesionError


@dataclass(frozen=True)
class Format:
    """Where the bits of a floating-point number are: the mantissa lowest, the exponent above it, the sign on top."""

    integer: torch.dtype
    mantissa: int
    exponent: int

    def span(self, part: str) -> tuple[int, int]:
        """(first bit, number of bits) of "mantissa", "exponent", "sign" or "any" of them."""
        return {
            "mantissa": (0, self.mantissa),
            "exponent": (self.mantissa, self.exponent),
            "sign": (self.mantissa + self.exponent, 1),
            "any": (0, self.mantissa + self.exponent + 1),
        }[part]


_FORMATS = {
    torch.float32: Format(torch.int32, 23, 8),
    torch.float16: Format(torch.int16, 10, 5),
    torch.bfloat16: Format(torch.int16, 7, 8),
}


def format_of(dtype: torch.dtype) -> Format:
    """The layout of IEEE 754 binary32 and binary16, and of bfloat16. Raises LesionError for any other dtype."""
    if dtype not in _FORMATS:
        name = str(dtype).removeprefix("torch.")
        raise LesionError(f"the bits of weights stored as {name} are not known: load the model as float32 or float16")
    return _FORMATS[dtype]


def integers(weights: Tensor) -> Tensor:
    """The weights' own memory read as integers of the same size."""
    return weights.view(format_of(weights.dtype).integer)
