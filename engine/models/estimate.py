"""What a model will need, from its configuration alone: the model is built without memory, no weight is read."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch

from engine.models.architecture import Architecture, architecture
from engine.models.loading import configuration, translated
from engine.models.source import Source, find
from engine.profile import ModelSpec
from engine.profile.layers import Layers, group_name


@dataclass(frozen=True)
class Load:
    """A batch that a measurement runs: `rows` texts of `tokens` (None: the model's context) in one pass, with
    `logits` tokens of each turned into predictions at once (None: all), and a key-value cache or not."""

    rows: int
    tokens: int | None
    logits: int | None = None
    cache: bool = False


@dataclass(frozen=True)
class ModelEstimate:
    """The size of a model and of working on it; all `…_bytes` are bytes. `groups`: weights in each group, by name."""

    name: str
    architecture: str
    parameters: int
    non_embedding: int
    dtype: str
    weights_bytes: int
    snapshot_bytes: int
    activation_bytes: int
    need_bytes: int
    tied: bool
    layers: int
    groups: dict[str, int]
    context: int
    notes: list[str]


def survey_model(
    spec: ModelSpec,
    name: str,
    groups: Iterable[tuple[str, *tuple[Layers | None, ...]]],
    loads: Iterable[Load],
    *,
    trust_remote_code: bool = False,
) -> ModelEstimate:
    """Estimate the model called `name`, loaded as `spec` says, damaged in `groups` (group, layers, heads, experts),
    running `loads`.

    A snapshot holds one group at a time, so the largest counts; so does the largest of the loads. Raises LesionError
    for a model that cannot be found or is not supported, and for groups, layers, heads or experts it does not have.
    """
    source = find(spec, name)
    config = configuration(source, trust_remote_code)
    model = _without_memory(config, source, trust_remote_code)
    parts = architecture(model)
    notes: list[str] = []
    dtype = _dtype(spec, source, config, notes)
    chosen = {
        str(group_name(group, *narrowed)): sum(piece.numel for piece in parts.slices(group, *narrowed))
        for group, *narrowed in groups
    }
    parameters = sum(parameter.numel() for parameter in model.parameters())
    embeddings = {id(part.weight): part.weight.numel() for part in (parts.embedding, parts.head)}  # type: ignore[operator]
    # Buffers, such as rotary tables, are small: they count with the weights.
    weights = parameters * dtype.itemsize + sum(b.numel() * b.element_size() for b in model.buffers())
    snapshot = max(chosen.values(), default=0) * dtype.itemsize
    activation = max((_bytes_of(load, config, parts, dtype) for load in loads), default=0)
    return ModelEstimate(
        name=name,
        architecture=parts.name,
        parameters=parameters,
        non_embedding=parameters - sum(embeddings.values()),
        dtype=str(dtype).removeprefix("torch."),
        weights_bytes=weights,
        snapshot_bytes=snapshot,
        activation_bytes=activation,
        need_bytes=weights + snapshot + activation,
        tied=parts.tied,
        layers=len(parts.blocks),
        groups=chosen,
        context=parts.context,
        notes=notes,
    )


def _without_memory(config: Any, source: Source, trust_remote_code: bool) -> Any:
    from transformers import AutoModelForCausalLM

    with translated(source), torch.device("meta"):
        return AutoModelForCausalLM.from_config(deepcopy(config), trust_remote_code=trust_remote_code)


def _dtype(spec: ModelSpec, source: Source, config: Any, notes: list[str]) -> torch.dtype:
    stored = getattr(config, "dtype", None)
    if spec.dtype != "auto":
        wanted: torch.dtype = getattr(torch, spec.dtype)
        return wanted
    if source.gguf or not isinstance(stored, torch.dtype):
        if not source.gguf:
            notes.append("the configuration does not say the weights' number format; float32 is assumed")
        return torch.float32
    return stored


def _bytes_of(load: Load, config: Any, parts: Architecture, dtype: torch.dtype) -> int:
    """What a forward pass without gradients holds at its peak: the residual stream and the widest layer's input and
    output at once, attention without stored scores, the logits and their float32 copy, and the key-value cache."""
    text = config.get_text_config()
    tokens = min(load.tokens or parts.context, parts.context)
    width = text.hidden_size
    widest = max([width * 4, *(max(part.matrix.shape) * 2 for mlp in parts.mlps for part in mlp.parts)])
    hidden = load.rows * tokens * (2 * width + widest) * dtype.itemsize
    predicted = load.rows * (tokens if load.logits is None else load.logits)
    logits = predicted * text.vocab_size * (dtype.itemsize + 4)
    kept = sum(part.length for attention in parts.attentions for part in (attention.k, attention.v))
    cache = load.rows * tokens * kept * dtype.itemsize if load.cache else 0
    return int(hidden + logits + cache)
