"""Loading models into 8-bit or 4-bit codes with bitsandbytes, and what can be said before that is tried."""

import functools
import logging
from collections.abc import Iterable
from importlib.util import find_spec
from math import prod
from typing import Any

import torch
from torch.nn import Module

from engine.errors import LesionError
from engine.models.source import Source
from engine.profile import ModelSpec
from engine.weights.packed import PackedWeight, packed_weights


def options(spec: ModelSpec, source: Source, config: Any, device: torch.device) -> dict[str, Any]:
    """What `from_pretrained` is told so that the model comes packed as `spec.load_in` says; nothing for "none".

    The numbers that codes are turned into while the model runs have the format of its other weights. Raises LesionError
    where the files or this host do not allow it.
    """
    stored = _check(spec, source, config)
    if spec.load_in == "none":
        return {}
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it warns at every forward pass in float32
    placed = {"device_map": {"": str(device)}}
    return placed if stored == spec.load_in else placed | {"quantization_config": _plan(spec, config)}


def prepare(spec: ModelSpec, source: Source, config: Any, model: Any) -> None:
    """Give a model without memory the linear layers that loading it as `spec` says would give it. Raises LesionError as
    `options` does."""
    stored = _check(spec, source, config)
    if spec.load_in == "none":
        return
    from transformers.quantizers.auto import AutoHfQuantizer

    known = config.quantization_config if stored != "none" else _plan(spec, config)
    AutoHfQuantizer.from_config(known, pre_quantized=stored != "none").preprocess_model(model, device_map={"": "cpu"})


def check_packed(name: str, model: Module, ends: set[int], device: torch.device) -> None:
    """Raises LesionError for a model without packed weights, with packed ones at its `ends` (the `id` of the weights of
    embedding and output head), and where bitsandbytes computes wrong numbers."""
    packed = packed_weights(model)
    if not packed:
        raise LesionError(f"{name} has no linear layer that can be packed: leave model.load_in out")
    if any(id(weight.module.weight) in ends for weight in packed.values()):
        raise LesionError(f"{name} has its output head in codes too, which is not supported: give the original model")
    for weight in packed.values() if device.type == "cpu" else ():
        rows, columns = weight.module.out_features, weight.module.in_features
        if weight.bits == 4 and _misread(rows, columns):
            raise LesionError(
                f"{name} cannot run in 4bit on this processor: its kernel of bitsandbytes misreads matrices of "
                f'{columns} columns; give load_in = "8bit", a GPU or another model'
            )


@functools.cache
def _misread(rows: int, columns: int) -> bool:
    """Whether numbers come back from codes of 4 bits in this shape other than code by code times its block's scale.

    Tried rather than known: of the kernels of bitsandbytes 0.50, the one for AVX-512 takes the scales of other blocks
    where a block of 64 ends within a row, and the one for other processors does not.
    """
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    numbers = torch.linspace(-1, 1, min(rows, 128) * columns).square().view(-1, columns)
    codes, state = quantize_4bit(numbers, quant_type="nf4")
    pairs = codes.flatten().long()
    values = state.code[torch.stack([pairs >> 4, pairs & 15], 1).flatten()[: numbers.numel()]]
    scales = state.absmax.repeat_interleave(state.blocksize)[: numbers.numel()]
    return not torch.equal(dequantize_4bit(codes, state), (values * scales).view_as(numbers))


def note(spec: ModelSpec, packed: Iterable[PackedWeight], parameters: int, dtype: torch.dtype) -> str:
    """How much of a model of so many `parameters` is packed, and what the rest is."""
    share = sum(prod(one.shape) for one in packed) / parameters
    rest = str(dtype).removeprefix("torch.")
    return f"{share:.0%} of the weights are stored in {spec.load_in}, the others as {rest}"


def opened_bytes(packed: PackedWeight) -> int:
    """The memory to turn a packed weight into numbers and back: four numbers of 4 bytes for each weight."""
    return 16 * prod(packed.shape)


def saved_bytes(spec: ModelSpec, packed: PackedWeight, dtype: torch.dtype) -> int:
    """How much smaller a packed weight is than in numbers of this format."""
    return prod(packed.shape) * dtype.itemsize - stored_bytes(spec, packed)


def stored_bytes(spec: ModelSpec, packed: PackedWeight) -> int:
    """The size of the codes and scales of a packed weight."""
    rows, columns = packed.shape[::-1] if packed.transposed else packed.shape
    if packed.bits == 8:
        return rows * (columns + 4)
    blocks = -(-rows * columns // 64)
    return rows * columns // 2 + (blocks + blocks // 64 if spec.double_quant else 4 * blocks)


def _plan(spec: ModelSpec, config: Any) -> Any:
    """transformers' own description of the codes."""
    from transformers import BitsAndBytesConfig

    if spec.load_in == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=spec.quant_type or "nf4",
        bnb_4bit_use_double_quant=bool(spec.double_quant),
        bnb_4bit_compute_dtype=_dtype(spec, config),
    )


def stored_in(source: Source, config: Any) -> str:
    """ "none", "8bit" or "4bit": the codes that the files of the model hold already. Raises LesionError for others."""
    settings = getattr(config, "quantization_config", None)
    if settings is None or source.gguf:
        return "none"
    known: dict[str, Any] = settings if isinstance(settings, dict) else settings.to_dict()
    method = str(getattr(known.get("quant_method"), "value", known.get("quant_method") or "an unknown format"))
    if method != "bitsandbytes":
        text = f"{source.name} is stored quantised as {method}, which cannot be damaged"
        raise LesionError(f"{text}: give the original model, or one that bitsandbytes stored in 8 or 4 bits")
    return "4bit" if known.get("load_in_4bit") or known.get("_load_in_4bit") else "8bit"


def _check(spec: ModelSpec, source: Source, config: Any) -> str:
    """What `stored_in` says."""
    stored = stored_in(source, config)
    if stored not in ("none", spec.load_in):
        bits = stored.removesuffix("bit")
        raise LesionError(f'{source.name} is stored in {bits}-bit codes: set model.load_in = "{stored}"')
    if spec.load_in == "none":
        return stored
    asked = f'model.load_in = "{spec.load_in}"'
    if source.gguf:
        raise LesionError(
            f"{source.name}: {asked} needs the original model: a .gguf file is loaded as ordinary weights"
        )
    if find_spec("bitsandbytes") is None:
        raise LesionError(f"{source.name}: {asked} needs the package bitsandbytes; install it with pip")
    return stored


def _dtype(spec: ModelSpec, config: Any) -> torch.dtype:
    """The format of the weights that stay ordinary."""
    dtype = getattr(config, "dtype", None) if spec.dtype == "auto" else getattr(torch, spec.dtype)
    return dtype if isinstance(dtype, torch.dtype) else torch.float32
