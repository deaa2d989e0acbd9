"""Statistics of scores against numpy, all scores at once."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from engine.models.loading import LoadedModel
from engine.scores import ScoreSpec, Statistics, scan
from engine.weights.slices import Chunk, Slice


def test_statistics_of_layers_and_parameters(subjects: dict[str, LoadedModel], text: Callable[..., str]) -> None:
    loaded = subjects["neox"]
    slices = loaded.architecture.slices("all")
    every: dict[object, list[np.ndarray]] = {}

    def keep(piece: Slice, chunk: Chunk, scores: torch.Tensor) -> None:
        for key in (piece.layer, piece.parameter):
            every.setdefault(key, []).append(scores.double().flatten().numpy())

    statistics = Statistics()
    scan(slices, loaded, ScoreSpec("grad_squared", text=text()), [keep, statistics])
    record = statistics.record()
    whole = np.concatenate([scores for key, those in every.items() if isinstance(key, str) for scores in those])
    assert statistics.total == pytest.approx(whole.sum(), rel=1e-9)
    assert statistics.largest == whole.max()
    assert [layer["layer"] for layer in record["layers"]] == [0, 1, None]
    assert len(record["parameters"]) == len(list(loaded.model.parameters()))
    for found in record["layers"] + record["parameters"]:
        scores = np.concatenate(every[found.get("parameter", found.get("layer"))])
        assert (found["weights"], found["nan"]) == (len(scores), 0)
        expected = [scores.mean(), scores.std(), scores.min(), scores.max()]
        assert [found[key] for key in ("mean", "std", "smallest", "largest")] == pytest.approx(expected, rel=1e-9)


def test_numbers_that_are_not_finite() -> None:
    statistics = Statistics()
    for name, scores in [("a", [math.nan, 1.0]), ("a", [3.0]), ("b", [math.nan]), ("c", [math.inf, 1.0])]:
        weights = torch.nn.Parameter(torch.tensor(scores))
        chunk = Chunk(weights.detach()[None], 0, 1)
        statistics(Slice(name, weights, layer=0), chunk, chunk.view)
    a, b, c = statistics.record()["parameters"]
    assert a == {"parameter": "a", "weights": 3, "nan": 1, "mean": 2.0, "std": 1.0, "smallest": 1.0, "largest": 3.0}
    assert (b["weights"], b["nan"], math.isnan(b["mean"])) == (1, 1, True)
    assert (c["mean"], c["largest"]) == (math.inf, math.inf)
    assert (statistics.total, statistics.largest) == (math.inf, math.inf)
