"""What a model is called in tables and charts."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath


def model_name(model: str) -> str:
    """The last part of a path to a folder or file; a Hub id or a bundled model's name as it is."""
    path = PurePath(model)
    return path.name if path.is_absolute() and path.name else model


def short_names(models: Iterable[str]) -> dict[str, str]:
    """A name for each of `models`: `model_name`, or the whole path where two of them would be called the same."""
    every = dict.fromkeys(models)
    taken = Counter(model_name(model) for model in every)
    return {model: model_name(model) if taken[model_name(model)] == 1 else model for model in every}
