"""The keys and values that a model keeps between passes, by the names that libraries of several years give them."""

import inspect
from typing import Any

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
