"""What a model is called in tables and charts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

Weights = Mapping[str, tuple[str, str]]
"""By model: the dtype that its weights were loaded in, and their digest."""


def model_name(model: str) -> str:
    """The last part of a path to a folder or file; a Hub id or a bundled model's name as it is."""
    path = PurePath(model)
    return path.name if _is_path(model) and path.name else model


def short_names(models: Iterable[str]) -> dict[str, str]:
    """A name for each of `models`: `model_name`, or of paths of which two would be called the same, as many of their
    last parts as tell them apart."""
    every = list(dict.fromkeys(models))
    names = {model: model_name(model) for model in every}
    for length in range(2, max((len(PurePath(model).parts) for model in every), default=0) + 1):
        taken = Counter(names.values())
        names |= {model: _end(model, length) for model, name in names.items() if taken[name] > 1 and _is_path(model)}
    return names


def names_over_runs(runs: Sequence[tuple[Iterable[str], Weights]]) -> list[dict[str, str]]:
    """For each of several runs, given by its models and what is known of their weights, a name for each of its models.

    Models of one name are those of one Hub id, one bundled name, or one path; paths to the same weights are one model,
    and where a path held other weights in another run, some digits of the digest tell them apart.
    """
    first = _first_paths(runs)
    names = short_names(first.get(model, model) for models, _ in runs for model in models)
    held: dict[tuple[str, str], set[str]] = {}
    for _, weights in runs:
        for model, (dtype, digest) in weights.items():
            held.setdefault((first.get(model, model), dtype), set()).add(digest)

    def name(model: str, weights: Weights) -> str:
        path = first.get(model, model)
        dtype, digest = weights.get(model, ("", ""))
        several = _is_path(model) and len(held.get((path, dtype), ())) > 1
        return f"{names[path]} ({digest[:6]})" if several else names[path]

    return [{model: name(model, weights) for model in models} for models, weights in runs]


def _first_paths(runs: Sequence[tuple[Iterable[str], Weights]]) -> dict[str, str]:
    """For every path the first one, in the order of the runs, of the same last part that held the same weights."""
    first: dict[str, str] = {}
    seen: dict[tuple[str, str, str], str] = {}
    for _, weights in runs:
        for model, (dtype, digest) in weights.items():
            if _is_path(model):
                path = seen.setdefault((model_name(model), dtype, digest), first.get(model, model))
                first.setdefault(model, path)
    return first


def _is_path(model: str) -> bool:
    return PurePath(model).is_absolute()


def _end(path: str, length: int) -> str:
    parts = PurePath(path).parts
    return path if length >= len(parts) else "/".join(parts[-length:])
