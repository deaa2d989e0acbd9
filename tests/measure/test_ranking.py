"""Rankings compared over seeds and scopes; see tests/cli/test_critical.py for rankings against the whole list."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.errors import LesionError
from engine.measure.ranking.run import RankingStudy
from engine.measure.ranking.table import RankingMeasure
from engine.models.loading import LoadedModel
from engine.scores import ScoreSpec, overlap, select


def nothing(done: int, total: int) -> None:
    """Progress."""


def test_seeds_and_samples_are_compared_pair_by_pair(subjects: dict[str, LoadedModel]) -> None:
    loaded = subjects["petri"]
    spec = RankingMeasure(
        scores=("hutchinson",), group="attn_v", k=(4, 30), seeds=3, samples=3, probes=2, text="petri", documents=5
    )
    found = RankingStudy(spec, loaded, Path()).run(1, 8, nothing)
    table = [row for row in found.tables["overlap"].rows if row[3] == 30]
    slices = loaded.architecture.slices("attn_v")

    def chosen(seed: int = 0, sample: tuple[int, int] = (0, 1)) -> dict[str, Tensor]:
        how = ScoreSpec("hutchinson", text="petri", documents=5, probes=2, seed=seed, sample=sample)
        return select(slices, loaded, how, 30, largest=True)

    seeds = [chosen(seed=seed) for seed in range(3)]
    samples = [chosen(sample=(number, 3)) for number in range(3)]
    expected = [overlap(many[i], many[j]) for many in (samples, seeds) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert [row[4] for row in table] == expected
    assert [row[0] for row in table] == ["samples"] * 3 + ["seeds"] * 3
    assert found.metrics["hutchinson.jaccard_samples"] == pytest.approx(sum(expected[:3]) / 3)
    assert found.metrics["hutchinson.jaccard_seeds"] == pytest.approx(sum(expected[3:]) / 3)


def test_per_layer_lists_as_many_of_each(subjects: dict[str, LoadedModel]) -> None:
    spec = RankingMeasure(scores=("magnitude",), group="mlp_only", k=(2, 7), scope="per_layer", text="petri")
    found = RankingStudy(spec, subjects["petri"], Path()).run(1, 8, nothing)
    rows, layers = found.tables["magnitude"].rows, found.tables["layers"].rows
    assert [row[0] for row in rows] == [*range(1, 8)] * len(layers)
    assert {tuple(row[-2:]) for row in layers} == {(7, 0)}
    assert found.artifact is not None
    shares = [entry["top_share"] for entry in found.artifact["scores"]["magnitude"]["by_k"]]
    assert shares[1] == found.metrics["magnitude.top_share"] > shares[0] > 0
    assert "overlap" not in found.tables


def test_norms_among_matrices_are_told_and_can_be_left_out(subjects: dict[str, LoadedModel]) -> None:
    loaded = subjects["petri"]
    shapes = {name: tuple(weight.shape) for name, weight in loaded.model.named_parameters()}
    vectors = {name for name, shape in shapes.items() if len(shape) == 1}

    def study(group: str) -> tuple[RankingStudy, list[tuple[Any, ...]]]:
        spec = RankingMeasure(scores=("magnitude",), group=group, k=400, text="petri", documents=2)
        found = RankingStudy(spec, loaded, Path())
        return found, [tuple(row) for row in found.run(1, 8, nothing).tables["magnitude"].rows]

    everything, rows = study("all")
    assert {row[1] for row in rows if row[-1] == "vector"} == {row[1] for row in rows} & vectors
    assert 0 < sum(row[-1] == "vector" for row in rows) < len(rows)
    matrices = len(shapes) - len(vectors)
    assert everything.notes == [
        f"ranking on {loaded.name}: all holds {len(vectors)} vectors, of norms and biases, beside {matrices} matrices, "
        'and the ranking has the weights of both, each with its kind; group = "matrices" leaves the vectors out'
    ]
    alone, rows = study("matrices")
    assert alone.notes == []
    assert not {row[1] for row in rows} & vectors
    assert {row[-1] for row in rows} == {"matrix"}
    sizes = torch.cat(
        [weight.flatten().abs() for name, weight in loaded.model.named_parameters() if name not in vectors]
    )
    assert [row[3] for row in rows] == sizes.topk(400).values.tolist()


def test_fewer_documents_than_samples(subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("a single document")
    spec = RankingMeasure(text=str(tmp_path / "one.txt"))
    with pytest.raises(LesionError, match=r"2 samples need as many documents, and text '.*one.txt' has 1"):
        RankingStudy(spec, subjects["llama"], tmp_path)
