"""Petri models, and what damage does to their weights."""

from typing import Any

import numpy as np
import torch

from engine.methods import apply
from engine.models.loading import LoadedModel, load
from engine.petri import PETRI
from engine.profile import ModelSpec
from engine.weights.slices import Slice

Doubles = np.ndarray[Any, np.dtype[np.float64]]


def petri(dtype: Any = "float32") -> LoadedModel:
    name = "petri-250k"
    assert name in PETRI
    return load(ModelSpec(names=(name,), dtype=dtype), name, torch.device("cpu"))


def doubles(piece: Slice) -> Doubles:
    return piece.gather().double().numpy().copy()


def damaged(
    method: str, level: float, group: str, seed: int = 1, dtype: str = "float32", layers: Any = None, **options: Any
) -> list[tuple[Slice, Doubles, Doubles]]:
    """(slice, weights before, weights after) of every slice of a group, in float64."""
    slices = petri(dtype).architecture.slices(group, layers)
    before = [doubles(piece) for piece in slices]
    assert apply(method, slices, level, seed, options) == sum(weights.size for weights in before)
    return [(piece, old, doubles(piece)) for piece, old in zip(slices, before, strict=True)]
