"""Ranked weights, statistics of scores and perturbations of the critical-weight study."""

import csv
import json
from pathlib import Path

import pytest

from engine import analysis, runs
from engine.errors import LesionError
from engine.runs.importing import bring_in

RANKED = """parameter,indices,sensitivity_score,layer_group
model.embed_tokens.weight,"(128000, 3303)",0.144134521484375,model.embed_tokens.weight
model.embed_tokens.weight,"(27541, 162)",0.023800300434231758,model.embed_tokens.weight
model.norm.weight,"(17,)",0.01,model.norm.weight
"""
STATISTICS = {
    "model.embed_tokens.weight": {
        "mean": 1.0740379252638377e-07,
        "std": 1.2853708540205844e-05,
        "min": 0.0,
        "max": 0.144134521484375,
        "p95": 0.0,
        "num_weights": 525336576,
    }
}
CONFIG = {"model": "meta-llama/Llama-3.1-8B", "dtype": "bf16", "metric": "grad_x_weight", "topk": 100, "seeds": "42"}

TOP = 'rank,layer,indices,sensitivity\n1,h.0.weight,"(3, 7)",0.5\n2,h.1.weight,"(0, 1)",0.25\n'
PERTURBED = """metric,topk,mask_ratio,weights_masked,baseline_ppl,perturbed_ppl,ppl_increase,ppl_ratio
grad_x_weight,10,0.1,1,35.5,36.0,0.5,1.0140845
grad_x_weight,10,1.0,10,35.5,inf,inf,inf
"""
SUMMARY = {"model_name": "gpt2", "baseline_perplexity": 35.5, "num_parameters": 124439808, "experiments_completed": 2}


def ranking(folder: Path) -> Path:
    folder.mkdir()
    (folder / "top_weights_head.csv").write_text(RANKED)
    (folder / "sensitivity_stats.json").write_text(json.dumps(STATISTICS))
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return folder


def analysed(folder: Path) -> Path:
    folder.mkdir()
    (folder / "top_10_weights_grad_x_weight.csv").write_text(TOP)
    (folder / "perturbation_results.csv").write_text(PERTURBED)
    (folder / "experiment_summary.json").write_text(json.dumps(SUMMARY))
    return folder


def test_a_ranking_lies_in_the_run_as_ours_do(tmp_path: Path) -> None:
    [made] = bring_in([ranking(tmp_path / "cwa")], tmp_path / "results").runs
    [record] = runs.read_trials(made.run)
    assert (record.model, record.seed, record.baseline) == ("meta-llama/Llama-3.1-8B", 42, True)
    assert record.metrics == {"grad_x_weight.published_largest_score": 0.144134521484375}
    table, statistics = record.artifacts or ()
    rows = list(csv.DictReader((made.run / table).read_text().splitlines()))
    assert (rows[0]["rank"], rows[0]["parameter"], rows[0]["indices"], rows[0]["score"]) == (
        "1",
        "model.embed_tokens.weight",
        "(128000, 3303)",
        "0.144134521484375",
    )
    assert [row["kind"] for row in rows] == ["matrix", "matrix", "vector"]
    [one] = json.loads((made.run / statistics).read_text())["scores"]["grad_x_weight"]["parameters"]
    assert (one["weights"], one["largest"], one["p95"]) == (525336576, 0.144134521484375, 0.0)


def test_perturbations_are_trials_of_mask(tmp_path: Path) -> None:
    [made] = bring_in([analysed(tmp_path / "critical_analysis_20260101_101010")], tmp_path / "results").runs
    baseline, first, last = runs.read_trials(made.run)
    assert baseline.metrics["published_perplexity_by_length"] == 35.5
    assert (first.method, first.level, first.touched, first.parameters) == ("mask", 0.1, 1, 124439808)
    assert first.select == {"by": "top_k", "k": 10, "score": "grad_x_weight"}
    assert str(last.metrics["published_ppl_ratio"]) == "inf"
    assert first.change_pct is not None
    assert first.change_pct["published_perplexity_by_length"] == pytest.approx(0.5 / 35.5 * 100)
    [damage] = runs.read_profile(made.run).damage
    assert (damage.method, damage.levels) == ("mask", (0.1, 1.0))
    assert "perplexity" not in analysis.metric_names(analysis.rows(made.run))


def test_without_a_name_of_the_model_it_has_to_be_given(tmp_path: Path) -> None:
    (tmp_path / "perturbation_results.csv").write_text(PERTURBED)
    with pytest.raises(LesionError, match="does not tell which model it is of: give its name with --model"):
        bring_in([tmp_path / "perturbation_results.csv"], tmp_path / "results")
    [made] = bring_in([tmp_path / "perturbation_results.csv"], tmp_path / "results", model="openai-community/gpt2").runs
    assert {record.model for record in runs.read_trials(made.run)} == {"openai-community/gpt2"}
    assert made.notes == ("the model is openai-community/gpt2 because --model says so: no file does",)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("perturbed_ppl,", "", "has no column 'perturbed_ppl'"),
        (",36.0,", ",many,", "has 'many' as its 'perturbed_ppl', where a number is expected"),
        (",10,0.1", ",ten,0.1", "has 'ten' as its 'topk', where a whole number is expected"),
        (",0.1,", ",nan,", "has 'nan' as its 'mask_ratio', where a finite number is expected"),
        (",10,1.0,10", ",10,0.1,10", "has the same trial twice: gpt2, mask at level 0.1"),
        (",inf,inf,inf\n", ",inf", "cells, where 8 are named"),
        ("grad_x_weight,10,0.1", "", "cells, where 8 are named"),
    ],
)
def test_damaged_perturbations(old: str, new: str, sentence: str, tmp_path: Path) -> None:
    folder = analysed(tmp_path / "critical")
    assert old in PERTURBED
    (folder / "perturbation_results.csv").write_text(PERTURBED.replace(old, new))
    with pytest.raises(LesionError, match=sentence):
        bring_in([folder], tmp_path / "results")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("(3, 7)", "3 7", "as its 'indices', where indices such as"),
        ("0.25", "much", "has 'much' as its 'sensitivity'"),
        ("\n2,", "\n-2,", "where a whole number from 0 up is expected"),
    ],
)
def test_damaged_rankings(old: str, new: str, sentence: str, tmp_path: Path) -> None:
    folder = analysed(tmp_path / "critical")
    (folder / "top_10_weights_grad_x_weight.csv").write_text(TOP.replace(old, new))
    with pytest.raises(LesionError, match=sentence):
        bring_in([folder], tmp_path / "results")
