"""Packed weights: what bitsandbytes keeps of a linear layer, 4-bit or 8-bit codes with their scales.

This is the one place that knows how they are stored. Elsewhere a packed weight is a slice like any other, of the shape
that the weight has in the ordinary model; its numbers are read and changed in a dense copy only (engine.weights.dense),
never in the codes. Nothing here imports bitsandbytes before a packed weight is met.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from transformers.pytorch_utils import Conv1D

_BITS = {"Linear4bit": 4, "Linear8bitLt": 8}


@dataclass(frozen=True)
class PackedWeight:
    """The weight of one linear layer of bitsandbytes.

    `shape` is its shape in the ordinary model; `transposed`: that one stores it as [inputs, outputs] (Conv1D), while
    the codes are always those of [outputs, inputs].
    """

    module: Any
    bits: int
    shape: tuple[int, int]
    transposed: bool

    def unpack(self) -> Tensor:
        """The weights in float32, code by code times its scale, in memory of their own: `shape`."""
        dense = _unpack_4bit(self.module) if self.bits == 4 else _unpack_8bit(self.module)
        return dense.mT.contiguous() if self.transposed else dense

    def pack(self, dense: Tensor) -> None:
        """Store `dense`, float32 of `shape`, in the format that the weight is in: all of it is rounded anew, with new
        scales. With 8 bits it goes through float16 first, as when bitsandbytes loads a model."""
        dense = (dense.mT if self.transposed else dense).contiguous()
        fresh = _packed_4bit(self.module, dense) if self.bits == 4 else _packed_8bit(dense)
        for name, stored in self.tensors().items():
            stored.copy_(fresh[name])

    def tensors(self) -> dict[str, Tensor]:
        """All that the weights are stored in, codes and scales, by name: the live tensors, not copies."""
        return _tensors_4bit(self.module) if self.bits == 4 else _tensors_8bit(self.module)


def packed_weights(model: Module) -> dict[str, PackedWeight]:
    """Every packed weight of a model by its name in `named_parameters()`; empty for an ordinary model."""
    weights = {}
    for name, module in model.named_modules():
        kind = type(module)
        if kind.__name__ in _BITS and kind.__module__.startswith("bitsandbytes."):
            transposed = getattr(module, "source_cls", None) is Conv1D
            sizes: Any = (module.in_features, module.out_features)
            shape = sizes if transposed else sizes[::-1]
            weights[f"{name}.weight"] = PackedWeight(module, _BITS[kind.__name__], shape, transposed)
    return weights


def parameter_count(model: Module) -> int:
    """How many weights a model has, packed ones counted as weights, not as bytes."""
    packed = packed_weights(model)
    return sum(prod(packed[name].shape) if name in packed else p.numel() for name, p in model.named_parameters())


def unchanging(model: Module) -> None:
    """Keep the codes of a model as they are: on some processors bitsandbytes would rewrite those of 4 bits at the
    first forward pass, with scales cut to bfloat16."""
    for packed in packed_weights(model).values():
        if packed.bits == 4:
            packed.module.support_avx512bf16_for_cpu = False


@contextmanager
def standing_in(model: Module) -> Iterator[dict[str, Parameter]]:
    """Until the context ends, a parameter of the ordinary model's shape stands in for every packed weight; yields them
    by name. They take no memory and hold NaN: they say where weights are, not what they are."""
    packed = packed_weights(model)
    live = {name: weight.module.weight for name, weight in packed.items()}
    stand_ins = {name: _stand_in(live[name].device, weight.shape) for name, weight in packed.items()}
    for name, weight in packed.items():
        weight.module._parameters["weight"] = stand_ins[name]
    try:
        yield stand_ins
    finally:
        for name, weight in packed.items():
            weight.module._parameters["weight"] = live[name]


def _stand_in(device: torch.device, shape: tuple[int, ...]) -> Parameter:
    return Parameter(torch.full((1, 1), torch.nan, device=device).expand(shape), requires_grad=False)


def _unpack_4bit(module: Any) -> Tensor:
    from bitsandbytes.functional import dequantize_4bit

    state = copy.copy(module.weight.quant_state)
    state.dtype = torch.float32
    unpacked: Tensor = dequantize_4bit(module.weight.data, state)
    return unpacked


def _packed_4bit(module: Any, dense: Tensor) -> dict[str, Tensor]:
    from bitsandbytes.functional import quantize_4bit

    old = module.weight.quant_state
    codes, state = quantize_4bit(
        dense,
        blocksize=old.blocksize,
        compress_statistics=old.nested,
        quant_type=old.quant_type,
        quant_storage=module.weight.dtype,
    )
    return _named_4bit(codes, state)


def _tensors_4bit(module: Any) -> dict[str, Tensor]:
    return _named_4bit(module.weight.data, module.weight.quant_state)


def _named_4bit(codes: Tensor, state: Any) -> dict[str, Tensor]:
    tensors = {"codes": codes, "absmax": state.absmax}
    return tensors | {"offset": state.offset, "nested_absmax": state.state2.absmax} if state.nested else tensors


def _unpack_8bit(module: Any) -> Tensor:
    stored = _tensors_8bit(module)
    return stored["codes"].float().mul_(stored["scales"].unsqueeze(1) / 127)


def _packed_8bit(dense: Tensor) -> dict[str, Tensor]:
    """Every row by itself. A row of zeros has the scale 0, by which bitsandbytes would divide."""
    from bitsandbytes.functional import int8_vectorwise_quant

    codes, scales, _ = int8_vectorwise_quant(dense.to(torch.float16))
    return {"codes": codes.masked_fill_((scales == 0).unsqueeze(1), 0), "scales": scales}


def _tensors_8bit(module: Any) -> dict[str, Tensor]:
    """Before the first forward pass bitsandbytes has them at the weight, afterwards in the module's state."""
    if module.weight.CB is not None:
        return {"codes": module.weight.CB, "scales": module.weight.SCB}
    return {"codes": module.state.CB, "scales": module.state.SCB}
