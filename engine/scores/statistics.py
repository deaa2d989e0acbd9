"""How the scores of each layer and each parameter are distributed, gathered while they stream by."""

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from engine.weights.slices import Chunk, Slice


@dataclass
class Summary:
    """Of scores: `weights` of them, `nan` of which are no number and left out of all that follows; `mean`, `std` (over
    n, not n - 1), `smallest`, `largest`. Without a number, all four are nan."""

    weights: int = 0
    nan: int = 0
    mean: float = math.nan
    std: float = math.nan
    smallest: float = math.nan
    largest: float = math.nan

    def add(self, other: "Summary") -> None:
        """Make this the summary of both (Chan, Golub and LeVeque 1979)."""
        mine, theirs = self.weights - self.nan, other.weights - other.nan
        self.weights, self.nan = self.weights + other.weights, self.nan + other.nan
        if not theirs:
            return
        if not mine:
            self.mean, self.std, self.smallest, self.largest = other.mean, other.std, other.smallest, other.largest
            return
        apart, total = other.mean - self.mean, mine + theirs
        squares = self.std**2 * mine + other.std**2 * theirs + apart**2 * (mine * theirs / total)
        self.mean, self.std = self.mean + apart * theirs / total, math.sqrt(squares / total)
        self.smallest, self.largest = min(self.smallest, other.smallest), max(self.largest, other.largest)


class Statistics:
    """Give one to `rank` or `scan` as a watcher; afterwards it holds the summaries of all that was scored.

    `layers`: by layer, None for what lies in none; `parameters`: by name.
    """

    def __init__(self) -> None:
        self.layers: dict[int | None, Summary] = {}
        self.parameters: dict[str, Summary] = {}

    def __call__(self, piece: Slice, chunk: Chunk, scores: Tensor) -> None:
        summary = _summary(scores)
        self.layers.setdefault(piece.layer, Summary()).add(summary)
        self.parameters.setdefault(piece.parameter, Summary()).add(summary)

    @property
    def total(self) -> float:
        """The sum of all scores, without those that are no number."""
        return math.fsum(one.mean * (one.weights - one.nan) for one in self.layers.values() if one.weights > one.nan)

    @property
    def largest(self) -> float:
        """The largest of all scores, nan where none is a number."""
        return max((one.largest for one in self.layers.values() if one.weights > one.nan), default=math.nan)

    def record(self) -> dict[str, Any]:
        """All of it for a JSON file: {"layers": [{"layer", "weights", …}], "parameters": [{"parameter", …}]}."""
        order = sorted(self.layers, key=lambda layer: (layer is None, layer or 0))
        return {
            "layers": [{"layer": layer} | vars(self.layers[layer]) for layer in order],
            "parameters": [{"parameter": name} | vars(summary) for name, summary in sorted(self.parameters.items())],
        }


def _summary(scores: Tensor) -> Summary:
    numbers = scores.double().flatten()
    nan = int(numbers.isnan().sum())
    numbers = numbers[~numbers.isnan()] if nan else numbers
    if not len(numbers):
        return Summary(scores.numel(), nan)
    spread = numbers.var(correction=0).sqrt()
    figures = numbers.mean(), spread, numbers.min(), numbers.max()
    return Summary(scores.numel(), nan, *(float(figure) for figure in figures))
