"""What a model will need, from its configuration alone: the model is built without memory, no weight is read."""

import math
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch

from engine import catalog
from engine.models import packing
from engine.models.architecture import Architecture, architecture
from engine.models.files import check_files
from engine.models.footprint import Scoring, Shape, Trained, keeping, passing, scoring, training
from engine.models.loading import configuration, translated
from engine.models.sight import auto_class, check_sight
from engine.models.source import Source, UnreachableError, find
from engine.profile import Group, Load, ModelSpec
from engine.profile.demand import Training
from engine.profile.places import Where
from engine.weights.packed import parameter_count
from engine.weights.slices import Slice


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
    """The largest of what the measurements, the scores and training hold at their peak."""
    kept_bytes: int
    """What measurements keep of the undamaged model, in main memory."""
    need_bytes: int
    batch: dict[str, int]
    """Batch sizes that fit into the room, of the measurements that do not fit as they are."""
    fits: bool
    """Whether all fits, in batches as small as need be."""
    tied: bool
    layers: int
    groups: dict[str, int]
    context: int
    notes: list[str]
    unreachable: str | None
    """Why the model's own configuration cannot be read, where its published shape was used."""


def survey_model(
    spec: ModelSpec,
    name: str,
    groups: Iterable[Group],
    loads: Sequence[Load],
    scorings: Sequence[tuple[Scoring, Group]] = (),
    trainings: Sequence[tuple[Training, Group]] = (),
    *,
    room: float = math.inf,
    on_gpu: bool = False,
    trust_remote_code: bool = False,
    pictures: bool = False,
) -> ModelEstimate:
    """Estimate the model called `name`, loaded as `spec` says, damaged in `groups`, running `loads`, `scorings` and
    `trainings`, each of the latter on a group, in `room` bytes of the device's memory; `pictures`: they are among what
    it is shown.

    A snapshot holds one group at a time, so the largest counts; so does the largest of the loads. Raises LesionError
    for a model that cannot be found or is not supported, and for groups, layers, heads or experts it does not have.
    """
    config, source, unreachable = _configuration(spec, name, trust_remote_code)
    if pictures:
        check_sight(config, name)
    model = _without_memory(config, source, trust_remote_code, pictures)
    packing.prepare(spec, source, config, model)
    parts = architecture(model)
    notes: list[str] = []
    dtype = _dtype(spec, source, config, notes)
    pieces = {
        Where.narrowed(group, *narrowed).label or "": parts.slices(group, *narrowed) for group, *narrowed in groups
    }
    chosen = {group: sum(piece.numel for piece in slices) for group, slices in pieces.items()}
    parameters = parameter_count(model)
    embeddings = {id(part.weight): part.weight.numel() for part in (parts.embedding, parts.head)}  # type: ignore[operator]
    # Buffers, such as rotary tables, are small: they count with the weights.
    weights = parameters * dtype.itemsize + sum(b.numel() * b.element_size() for b in model.buffers())
    snapshot = max((_snapshot(spec, slices, dtype) for slices in pieces.values()), default=0)
    opening = 0
    if parts.packed:
        place = torch.device("cuda" if on_gpu else "cpu")
        packing.check_packed(name, model, {id(part.weight) for part in (parts.embedding, parts.head)}, place)
        weights -= sum(packing.saved_bytes(spec, packed, dtype) for packed in parts.packed.values())
        opening = max(packing.opened_bytes(packed) for packed in parts.packed.values())
        notes.append(packing.note(spec, parts.packed.values(), parameters, dtype))
    shape = Shape.of(config, parts, dtype.itemsize)
    scores = max((_scoring(work, parts, group, shape) for work, group in scorings), default=0)
    trained = max((_training(work, parts, group, shape, on_gpu) for work, group in trainings), default=0)
    kept = sum(keeping(load, shape) for load in loads)
    fixed = weights + snapshot + (_second_head(loads, shape, parts, pieces) if on_gpu else kept)
    activation = max([scores, trained, opening, *(passing(load, shape) for load in loads)])
    batch = {load.name: _fitting(load, shape, room - fixed) for load in loads}
    return ModelEstimate(
        name=name,
        architecture=parts.name,
        parameters=parameters,
        non_embedding=parameters - sum(embeddings.values()),
        dtype=str(dtype).removeprefix("torch."),
        weights_bytes=weights,
        snapshot_bytes=snapshot,
        activation_bytes=activation,
        kept_bytes=kept,
        need_bytes=fixed + activation,
        batch={load.name: size for load in loads if 0 < (size := batch[load.name]) < load.rows},
        fits=all(batch[load.name] or not load.rows for load in loads) and fixed + max(scores, trained) <= room,
        tied=parts.tied,
        layers=len(parts.blocks),
        groups=chosen,
        context=parts.context,
        notes=notes,
        unreachable=unreachable,
    )


def _configuration(spec: ModelSpec, name: str, trust_remote_code: bool) -> tuple[Any, Source, str | None]:
    """The model's configuration, or for a model of the catalog that cannot be reached its published shape and why."""
    from transformers import AutoConfig

    try:
        source = find(spec, name)
        config = configuration(source, trust_remote_code)
        if source.folder is not None:  # of one on the Hub, the weights would be fetched
            check_files(spec, source, config)
        return config, source, None
    except UnreachableError as error:
        known = catalog.published().get(name)
        if known is None:
            raise
        return AutoConfig.for_model(**deepcopy(known.shape)), Source(name, name, {"revision": None}, None), str(error)


def _without_memory(config: Any, source: Source, trust_remote_code: bool, pictures: bool) -> Any:
    with translated(source), torch.device("meta"):
        return auto_class(config, pictures).from_config(deepcopy(config), trust_remote_code=trust_remote_code)


def _dtype(spec: ModelSpec, source: Source, config: Any, notes: list[str]) -> torch.dtype:
    stored = getattr(config, "dtype", None)
    if spec.dtype != "auto":
        dtype: torch.dtype = getattr(torch, spec.dtype)
        return dtype
    if source.gguf or not isinstance(stored, torch.dtype):
        if not source.gguf:
            notes.append("the configuration does not say the weights' number format; float32 is assumed")
        return torch.float32
    return stored


def _scoring(work: Scoring, parts: Architecture, group: Group, shape: Shape) -> int:
    """What a score of a group needs: of the whole parameters that it lies in."""
    name, *narrowed = group
    tensors = {id(piece.tensor): piece.tensor.numel() for piece in parts.slices(name, *narrowed)}
    return scoring(work, shape, sum(tensors.values()), max(tensors.values()))


def _training(work: Training, parts: Architecture, group: Group, shape: Shape, on_gpu: bool) -> int:
    """What training in a group needs: of the whole parameters that it lies in."""
    name, *narrowed = group
    tensors = {id(piece.tensor): piece.tensor for piece in parts.slices(name, *narrowed)}.values()
    return training(work, shape, Trained.of(tensors, parts), on_gpu=on_gpu)


def _snapshot(spec: ModelSpec, slices: Iterable[Slice], dtype: torch.dtype) -> int:
    """A copy of the slices; of packed ones, of all codes of their parameters."""
    packed = {piece.parameter: piece.packed for piece in slices if piece.packed is not None}
    numbers = sum(piece.numel for piece in slices if piece.packed is None)
    return numbers * dtype.itemsize + sum(packing.stored_bytes(spec, one) for one in packed.values())


def _second_head(loads: Sequence[Load], shape: Shape, parts: Architecture, pieces: dict[str, list[Slice]]) -> int:
    """On a GPU the copy of the head comes from main memory, while the head is damaged."""
    damaged = any(piece.tensor is parts.head.weight for slices in pieces.values() for piece in slices)
    return shape.head * shape.itemsize if damaged and any(load.kept for load in loads) else 0


def _fitting(load: Load, shape: Shape, room: float) -> int:
    """The load's rows, halved until it fits; 0 where one row does not."""
    rows = load.rows
    while rows and passing(replace(load, rows=rows), shape) > room:
        rows //= 2
    return rows
