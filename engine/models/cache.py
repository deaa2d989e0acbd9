"""The keys and values that a model keeps between passes: by the names that libraries of several years give them, with
room for what is to come, and without the rows that have ended."""

import inspect
from typing import Any

import torch
from torch import Tensor
from transformers import cache_utils

_NAMES = ("cache", "past_key_values")
"""The name since transformers 5.24, where the older one warns, and that of earlier releases and of models that bring
their own code."""


def cache_argument(model: Any) -> str:
    """The name by which the model's forward takes them."""
    accepted = inspect.signature(type(model).forward).parameters
    return next((name for name in _NAMES if name in accepted), _NAMES[-1])


def kept(output: Any) -> Any:
    """Those that a model's output holds; None where it holds none."""
    return next((getattr(output, name) for name in _NAMES if hasattr(output, name)), None)


def make_room(cache: Any, length: int) -> None:
    """From now on, layers that grow by copying all they hold write into memory for `length` tokens instead. Layers of
    any other kind, and caches of a model's own, stay as they are."""
    if type(cache) is not cache_utils.DynamicCache:
        return
    for number, layer in enumerate(cache.layers):
        if type(layer) is cache_utils.DynamicLayer and layer.is_initialized and layer.keys.dim() == 4:
            cache.layers[number] = _Roomy(layer, length)


def can_leave(cache: Any) -> bool:
    """Whether rows can be taken out of this cache: it holds keys and values alone."""
    plain = (_Roomy, cache_utils.DynamicLayer, cache_utils.DynamicSlidingWindowLayer)
    return type(cache) is cache_utils.DynamicCache and all(type(layer) in plain for layer in cache.layers)


class _Roomy(cache_utils.DynamicLayer):  # type: ignore[misc]  # its package is not followed by mypy
    """Keys and values [rows, heads, tokens, width] as the beginning of tensors with room for more tokens."""

    def __init__(self, layer: Any, length: int) -> None:
        super().__init__()
        self.lazy_initialization(layer.keys, layer.values)
        self._room = (_with_room(layer.keys, length), _with_room(layer.values, length))
        self._show(layer.keys.shape[-2])

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Add the keys and values of new tokens; gives all of them."""
        begin, end = self.keys.shape[-2], self.keys.shape[-2] + key_states.shape[-2]
        if end > self._room[0].shape[-2]:
            self._room = (_with_room(self.keys, 2 * end), _with_room(self.values, 2 * end))
        for room, states in zip(self._room, (key_states, value_states), strict=True):
            room[..., begin:end, :] = states
        self._show(end)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these rows alone."""
        length, tokens = self._room[0].shape[-2], self.keys.shape[-2]
        self._room = (_with_room(self.keys[indices], length), _with_room(self.values[indices], length))
        self._show(tokens)

    def _show(self, tokens: int) -> None:
        self.keys, self.values = (room[..., :tokens, :] for room in self._room)


def _with_room(states: Tensor, length: int) -> Tensor:
    """A copy whose third dimension goes on to `length`; what lies beyond is never read."""
    rows, heads, tokens, width = states.shape
    room = torch.empty(rows, heads, max(length, tokens), width, dtype=states.dtype, device=states.device)
    room[..., :tokens, :] = states
    return room
