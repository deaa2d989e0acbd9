"""Adapters of low rank beside matrices (Hu and others 2021): x ↦ x Wᵀ + (alpha / rank) · x Aᵀ Bᵀ; A and B train.

They are added by hooks, so that no module changes its place and whoever watches a matrix sees them, too.
"""

import math
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from engine.errors import LesionError
from engine.models.loading import LoadedModel
from engine.training.options import TrainingOptions
from engine.weights.slices import Slice


class Adapter:
    """A [rank, inputs] and B [outputs, rank] of one matrix, in its compute dtype. Those that train together have the
    very same `options`."""

    def __init__(self, a: Tensor, b: Tensor, options: TrainingOptions) -> None:
        self.a, self.b = Parameter(a), Parameter(b)
        self.options = options
        self.scale = options.lora_alpha / options.lora_rank

    @classmethod
    def begun(cls, inputs: int, outputs: int, options: TrainingOptions, like: Tensor, seed: int) -> "Adapter":
        """One that changes nothing before its first step: B is zero."""
        drawn = torch.empty(options.lora_rank, inputs, dtype=torch.float32)
        bound = 1 / math.sqrt(inputs)  # kaiming_uniform with a = √5, as is usual
        drawn.uniform_(-bound, bound, generator=torch.Generator().manual_seed(seed))
        return cls(drawn.to(like), torch.zeros(outputs, options.lora_rank).to(like), options)

    def __call__(self, module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        """The module's output with the adapter's added."""
        inputs = args[0].to(self.a.dtype)
        beside = nn.functional.linear(nn.functional.linear(inputs, self.a), self.b)
        return output + (beside * self.scale).to(output.dtype)

    def distance(self) -> float:
        """The length of the change of the matrix, squared: |scale · B A|², without making it."""
        b, a = self.b.detach().double(), self.a.detach().double()
        return float(((b.T @ b) * (a @ a.T)).sum()) * self.scale**2


def attach(
    loaded: LoadedModel, slices: Sequence[Slice], options: TrainingOptions, seed: int, undo: ExitStack
) -> dict[str, Adapter]:
    """Adapters beside every matrix that the slices make up, by the matrix's name, until `undo` is closed.

    Raises LesionError where the slices are parts of matrices, or none is the matrix of a linear layer.
    """
    parts: dict[str, int] = {}
    for piece in slices:
        parts[piece.parameter] = parts.get(piece.parameter, 0) + piece.numel
    sizes = {piece.parameter: piece.tensor.numel() for piece in slices}
    adapters = {}
    for number, (name, numel) in enumerate(parts.items()):
        module = loaded.model.get_submodule(name.rpartition(".")[0])
        if not (name.endswith(".weight") and _linear(module)):
            continue
        if numel < sizes[name]:
            text = f"adapters stand beside whole matrices, and the group is a part of {name}"
            raise LesionError(f'{text}: choose one that holds it whole, or trainable = "full"')
        inputs, outputs = _shape(module)
        like = torch.empty(0, dtype=loaded.dtype, device=module.weight.device)
        adapters[name] = Adapter.begun(inputs, outputs, options, like, seed * 1_000_003 + number)
        undo.callback(module.register_forward_hook(adapters[name]).remove)
    if not adapters:
        raise LesionError('no linear layer is in the group, so no adapter can stand beside one: use trainable = "full"')
    return adapters


def _linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"


def _shape(module: Any) -> tuple[int, int]:
    """Inputs and outputs; the Conv1D of GPT-2 holds its matrix transposed."""
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    inputs, outputs = module.weight.shape
    return int(inputs), int(outputs)
