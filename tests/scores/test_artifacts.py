"""The files a ranking leaves behind, read back with pandas and json."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from engine.errors import LesionError
from engine.models.loading import LoadedModel
from engine.models.slices import Chunk, Slice
from engine.scores import ScoreSpec, Statistics, rank, scan
from engine.scores.artifacts import write_ranking, write_statistics


def test_a_ranking_as_a_table(subjects: dict[str, LoadedModel], text: Callable[..., str], tmp_path: Path) -> None:
    loaded = subjects["gpt2"]
    ranking = rank(loaded.architecture.slices("all"), loaded, ScoreSpec("grad_x_weight", text=text()), 25, largest=True)
    path = write_ranking(tmp_path, "top_25", ranking)
    assert path == tmp_path / "top_25.csv"
    table = pd.read_csv(path)
    assert list(table.columns) == ["rank", "parameter", "indices", "score", "weight"]
    assert table["rank"].tolist() == list(range(1, 26))
    assert table["score"].is_monotonic_decreasing
    parameters = dict(loaded.model.named_parameters())
    for row in table.itertuples():
        index = tuple(int(part) for part in row.indices.strip("()").split(","))
        assert row.indices == (f"({index[0]}, {index[1]})" if len(index) == 2 else f"({index[0]})")
        assert row.weight == float(parameters[row.parameter][index])


def test_statistics_of_layers_and_parameters(
    subjects: dict[str, LoadedModel], text: Callable[..., str], tmp_path: Path
) -> None:
    loaded = subjects["neox"]
    slices = loaded.architecture.slices("all")
    every: dict[object, list[np.ndarray]] = {}

    def keep(piece: Slice, chunk: Chunk, scores: torch.Tensor) -> None:
        for key in (piece.layer, piece.parameter):
            every.setdefault(key, []).append(scores.double().flatten().numpy())

    statistics = Statistics()
    scan(slices, loaded, ScoreSpec("grad_squared", text=text()), [keep, statistics])
    record = json.loads(write_statistics(tmp_path, "grad_squared", "grad_squared", statistics).read_text())
    assert record["score"] == "grad_squared"
    assert [layer["layer"] for layer in record["layers"]] == [0, 1, None]
    assert len(record["parameters"]) == len(list(loaded.model.parameters()))
    for found in record["layers"] + record["parameters"]:
        scores = np.concatenate(every[found.get("parameter", found.get("layer"))])
        assert (found["weights"], found["nan"]) == (len(scores), 0)
        expected = [scores.mean(), scores.std(), scores.min(), scores.max()]
        assert [found[key] for key in ("mean", "std", "smallest", "largest")] == pytest.approx(expected, rel=1e-9)


def test_numbers_that_are_not_finite(tmp_path: Path) -> None:
    statistics = Statistics()
    for name, scores in [("a", [math.nan, 1.0]), ("a", [3.0]), ("b", [math.nan]), ("c", [math.inf, 1.0])]:
        weights = torch.nn.Parameter(torch.tensor(scores))
        chunk = Chunk(weights.detach()[None], 0, 1)
        statistics(Slice(name, weights, layer=0), chunk, chunk.view)
    path = write_statistics(tmp_path, "s", "magnitude", statistics)
    a, b, c = json.loads(path.read_text())["parameters"]
    assert a == {"parameter": "a", "weights": 3, "nan": 1, "mean": 2.0, "std": 1.0, "smallest": 1.0, "largest": 3.0}
    assert (b["weights"], b["nan"], b["mean"]) == (1, 1, "nan")
    assert (c["mean"], c["largest"]) == ("inf", "inf")


def test_a_folder_that_is_not_there(subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    loaded = subjects["neox"]
    ranking = rank(loaded.architecture.slices("attn_v"), loaded, ScoreSpec("magnitude"), 1, largest=True)
    with pytest.raises(LesionError, match="could not be written"):
        write_ranking(tmp_path / "nowhere", "x", ranking)
