"""The best and the worst weights of a group by a score."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from engine import catalog
from engine.errors import LesionError
from engine.models.loading import LoadedModel
from engine.profile.scoring import Scope, ScoreSpec
from engine.scores.score import Score, Task
from engine.weights.dense import dense
from engine.weights.slices import Chunk, Slice
from engine.weights.topk import TopK

Watch = Callable[[Slice, Chunk, Tensor], None]
"""Is shown a slice, a chunk of it, and the chunk's scores, float32 [runs, length]; in no order to be relied on."""


@dataclass(frozen=True)
class Entry:
    """One weight of a ranking. `rank` counts from 1 within its unit: all, its layer, or its parameter."""

    rank: int
    parameter: str
    index: tuple[int, ...]
    score: float
    weight: float


@dataclass(frozen=True)
class Ranking:
    """Weights in order: unit by unit (one, or one for each layer or parameter), within a unit the best first.

    `ranks`, `parameters` (places in `names`), `indices` (flat, in the parameter) are int64 [n], `scores` and `weights`
    float32 [n], all on the CPU. `shapes` are those of the named parameters.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    ranks: Tensor
    parameters: Tensor
    indices: Tensor
    scores: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.ranks)

    def by_parameter(self, k: int | None = None) -> dict[str, Tensor]:
        """Parameter names to rising flat int64 indices; only parameters that have any. With `k`, only of the first k of
        every unit."""
        kept = slice(None) if k is None else self.ranks <= k
        starts = _starts([prod(shape) for shape in self.shapes])
        rising = (starts[self.parameters] + self.indices)[kept].sort().values
        return _split(rising, dict(zip(self.names, starts.tolist(), strict=False)))

    def total(self, k: int) -> float:
        """The sum of the scores of the first k of every unit, without those that are no number."""
        return float(self.scores[self.ranks <= k].double().nansum())

    def entries(self) -> Iterable[Entry]:
        """The weights one by one, in order."""
        for i in range(len(self)):
            place = int(self.parameters[i])
            index = tuple(int(x) for x in torch.unravel_index(self.indices[i], self.shapes[place]))
            yield Entry(int(self.ranks[i]), self.names[place], index, float(self.scores[i]), float(self.weights[i]))


def select(
    slices: Sequence[Slice],
    loaded: LoadedModel,
    spec: ScoreSpec,
    k: int | float,
    *,
    largest: bool,
    scope: Scope = "global",
) -> dict[str, Tensor]:
    """The k best weights: parameter names to rising flat int64 indices in that parameter, on the CPU. See `rank`."""
    slices = _numbers(slices, spec)
    book = _Book(loaded, slices)
    units = _best(book, slices, loaded, spec, k, largest, scope, ())
    empty = torch.empty(0, dtype=torch.long)
    return book.split(torch.cat([empty, *(unit.positions() for unit in units)]).sort().values)


def rank(
    slices: Sequence[Slice],
    loaded: LoadedModel,
    spec: ScoreSpec,
    k: int | float,
    *,
    largest: bool,
    scope: Scope = "global",
    watch: Sequence[Watch] = (),
) -> Ranking:
    """The k best of the weights in `slices` (disjoint, of the model as it is now) by a score, in every unit of `scope`.

    k is a number of weights (int), or a share of the unit's weights (float from 0 to 1, rounded to whole weights); a
    unit with fewer weights gives them all. Best are the largest scores, or with `largest=False` the smallest. Equal
    scores go by the order of `named_parameters()`, then by the index; nan comes last.

    Memory beyond the score's own: of order k. Raises LesionError for a k that is neither, a score that does not exist
    or does not apply to one of the parameters, and texts that cannot be read. Packed weights are turned into numbers
    first, all of them at once.
    """
    slices = _numbers(slices, spec)
    book = _Book(loaded, slices)
    return book.ranking([unit.best() for unit in _best(book, slices, loaded, spec, k, largest, scope, watch)])


def ends(
    slices: Sequence[Slice], loaded: LoadedModel, spec: ScoreSpec, k: tuple[int | float, int | float], scope: Scope
) -> tuple[Ranking, Ranking]:
    """The k[0] best by the largest scores and the k[1] best by the smallest, from one pass; see `rank`."""
    slices = _numbers(slices, spec)
    book = _Book(loaded, slices)
    top, bottom = (_seekers(slices, count, largest, scope) for count, largest in zip(k, (True, False), strict=True))
    scan(slices, loaded, spec, [_offering(units, book, scope) for units in (top, bottom)])
    first, second = (book.ranking([unit.best() for unit in units.values()]) for units in (top, bottom))
    return first, second


def scan(slices: Sequence[Slice], loaded: LoadedModel, spec: ScoreSpec, watch: Sequence[Watch]) -> None:
    """Computes the score of every weight in `slices` once and shows it to each of `watch`, one parameter at a time."""
    score: Score = catalog.load(catalog.score(spec.name).implementation)
    pieces: dict[str, list[Slice]] = {}
    for piece in _numbers(slices, spec):
        pieces.setdefault(piece.parameter, []).append(piece)

    def show(name: str, evidence: Tensor) -> None:
        for piece in pieces[name]:
            proof = replace(piece, tensor=Parameter(evidence, requires_grad=False))
            for ours, theirs in zip(piece.chunks(), proof.chunks(), strict=True):
                scores = score.combine(theirs.view, ours.view)
                for watcher in watch:
                    watcher(piece, ours, scores)

    parameters = {name: those[0].tensor for name, those in pieces.items()}
    if not pieces:
        return
    with torch.no_grad():
        score.evidence(Task(loaded, spec, parameters), show)


def overlap(first: dict[str, Tensor], second: dict[str, Tensor]) -> float:
    """The Jaccard index of two selections, |A ∩ B| / |A ∪ B|, from 0 to 1; nan where both are empty."""
    common = sum(int(torch.isin(first[name], second[name]).sum()) for name in first.keys() & second.keys())
    total = sum(len(indices) for selection in (first, second) for indices in selection.values()) - common
    return common / total if total else float("nan")


def _numbers(slices: Sequence[Slice], spec: ScoreSpec) -> Sequence[Slice]:
    """The slices, packed ones as dense copies. Raises LesionError where the score needs gradients of codes."""
    packed = [piece.parameter for piece in slices if piece.packed is not None]
    if packed and not catalog.score(spec.name).on_codes:
        known = ", ".join(name for name, info in catalog.scores().items() if info.on_codes)
        raise LesionError(f"{spec.name} needs gradients, and {packed[0]} is stored as codes: give one of {known}")
    return dense(slices) if packed else slices


def _best(
    book: "_Book",
    slices: Sequence[Slice],
    loaded: LoadedModel,
    spec: ScoreSpec,
    k: int | float,
    largest: bool,
    scope: Scope,
    watch: Sequence[Watch],
) -> list[TopK]:
    """The best of every unit of the scope, in the order of the slices."""
    units = _seekers(slices, k, largest, scope)
    scan(slices, loaded, spec, [_offering(units, book, scope), *watch])
    return list(units.values())


def _seekers(slices: Sequence[Slice], k: int | float, largest: bool, scope: Scope) -> dict[Any, TopK]:
    if isinstance(k, float) and not 0 <= k <= 1:
        raise LesionError(f"k = {k:g} is not possible: a whole number of weights, or a share of them from 0.0 to 1.0")
    if k < 0:
        raise LesionError(f"k = {k} is not possible: a whole number of weights from 0, or a share of them")
    units: dict[Any, TopK] = {}
    for unit, size in _units(slices, scope).items():
        units[unit] = TopK(round(k * size) if isinstance(k, float) else k, largest=largest)
    return units


def _offering(units: dict[Any, TopK], book: "_Book", scope: Scope) -> Watch:
    def offer(piece: Slice, chunk: Chunk, scores: Tensor) -> None:
        units[_unit(piece, scope)].offer(scores, book.starts[piece.parameter] + chunk.start, chunk.stride)

    return offer


def _unit(piece: Slice, scope: Scope) -> str | int | None:
    return {"global": "", "per_layer": piece.layer, "per_tensor": piece.parameter}[scope]


def _units(slices: Sequence[Slice], scope: Scope) -> dict[Any, int]:
    """The units of a scope, in the order of the slices, with how many weights each has."""
    sizes: dict[Any, int] = {}
    for piece in slices:
        unit = _unit(piece, scope)
        sizes[unit] = sizes.get(unit, 0) + piece.numel
    return sizes


def _starts(sizes: Sequence[int]) -> Tensor:
    """Where each of so many weights begins when they are numbered on, and where the last of them ends: int64."""
    return torch.tensor([0, *sizes], dtype=torch.long).cumsum(0)


def _split(rising: Tensor, starts: dict[str, int]) -> dict[str, Tensor]:
    """Rising positions by the name of the parameter they lie in, as flat indices; only parameters that have any."""
    bounds = [*torch.searchsorted(rising, torch.tensor(list(starts.values()), dtype=torch.long)).tolist(), len(rising)]
    pairs = zip(starts.items(), bounds, bounds[1:], strict=False)
    return {name: rising[low:high] - start for (name, start), low, high in pairs if high > low}


class _Book:
    """Numbers every weight of the parameters that are ranked: a position is its parameter's start plus its flat index.
    Parameters are in the order of `named_parameters()`."""

    def __init__(self, loaded: LoadedModel, slices: Sequence[Slice]) -> None:
        ranked = {piece.parameter: piece.tensor for piece in slices}
        self._parameters = {name: ranked[name] for name, _ in loaded.model.named_parameters() if name in ranked}
        self._bounds = _starts([parameter.numel() for parameter in self._parameters.values()])
        self.starts = dict(zip(self._parameters, self._bounds.tolist(), strict=False))

    def split(self, rising: Tensor) -> dict[str, Tensor]:
        """Rising positions as rising flat indices, by the name of their parameter."""
        return _split(rising, self.starts)

    def ranking(self, units: Sequence[tuple[Tensor, Tensor]]) -> Ranking:
        """The ranking of (positions, scores) unit by unit."""
        positions = torch.cat([torch.empty(0, dtype=torch.long), *(unit_positions for unit_positions, _ in units)])
        scores = torch.cat([torch.empty(0), *(unit_scores for _, unit_scores in units)])
        ranks = torch.cat([torch.empty(0, dtype=torch.long), *(torch.arange(1, len(p) + 1) for p, _ in units)])
        parameters = torch.searchsorted(self._bounds, positions, right=True) - 1
        indices = positions - self._bounds[parameters]
        shapes = tuple(tuple(parameter.shape) for parameter in self._parameters.values())
        return Ranking(tuple(self._parameters), shapes, ranks, parameters, indices, scores, self._weights(positions))

    def _weights(self, positions: Tensor) -> Tensor:
        """The weights at these positions, float32 on the CPU."""
        rising, order = positions.sort()
        parts = [torch.empty(0)]
        for name, indices in self.split(rising).items():
            flat = self._parameters[name].detach().flatten()
            parts.append(flat[indices.to(flat.device)].float().cpu())
        return torch.empty(len(positions)).scatter_(0, order, torch.cat(parts))
