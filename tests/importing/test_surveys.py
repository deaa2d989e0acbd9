"""The surveys' results: gains of a model by itself, of a list of models, and of models by name."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from engine import analysis, runs
from engine.analysis.gains import by_layer
from engine.errors import LesionError
from engine.runs.importing import bring_in

FFN = {
    "model": "EleutherAI/pythia-1.4b",
    "n_layers": 3,
    "n_prompts": 8,
    "attention": {"gains": [0.5269130406442787, 0.08266839035439565, 0.3712703637112994], "n_contracting": 3},
    "mlp": {"gains": [0.8922744140596759, 0.26085993221002773, 3.603710308251099], "L_star_max": 2},
    "hypothesis_test": {"attention_contracts": True, "hypothesis_confirmed": False},
}
"""The first, smallest and last layers of the published survey of Pythia-1.4b."""

CLEAN = {
    "experiment": "Clean Residual Gain - NO FINAL LAYERNORM",
    "precision": "float32",
    "prompts": ["The capital of France is", "Water freezes at"],
    "h25_verdict": "VALIDATED",
    "results": {
        "pythia-6.9b": {
            "gain_with_ln_mean": 0.31992625084363047,
            "gain_with_ln_std": 0.061995952001355825,
            "gain_no_ln_mean": 0.9866687545017112,
            "gain_no_ln_std": 0.014788709087850925,
            "all_layer_gains": [56.853030849241584, 0.9866687545017112, 0.31992625084363047],
            "is_dampening_no_ln": True,
            "model": "pythia-6.9b",
            "path": "EleutherAI/pythia-6.9b",
            "rho": 0.25,
        },
        "gpt-j-6b": {"gain_with_ln_mean": 0.3726684662728539, "gain_no_ln_mean": 1.1328371992519364, "rho": 0.0625},
    },
}
LAW = {
    "experiment": "gain scaling",
    "n_models": 2,
    "scaling_law": {"exponent_alpha": 0.34},
    "models": [
        {"model": "pythia-1.4b", "n_params": 1_414_647_808, "mlp_gains": [0.5, 3.604], "attention_gains": [0.5, 0.4]},
        {"model": "pythia-6.9b", "last_layer_mlp_gain": 6.245},
    ],
}


def imported(tmp_path: Path, content: Any, name: str = "survey.json") -> Path:
    (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    [made] = bring_in([tmp_path / name], tmp_path / "results").runs
    return made.run


def test_gains_of_one_model(tmp_path: Path) -> None:
    run = imported(tmp_path, FFN)
    [row] = analysis.rows(run)
    assert (row["model"], row["params"], row["method"]) == ("EleutherAI/pythia-1.4b", 1_414_647_808, "none")
    assert round(row["mlp_gain_last"], 2) == 3.60
    assert (row["mlp_gain_largest_layer"], row["attention_contracting"]) == (2, 1.0)
    assert row["mlp_contracting"] == pytest.approx(2 / 3)
    [gains] = by_layer(run, "mlp_gain_last")
    assert gains.gains == (0.8922744140596759, 0.26085993221002773, 3.603710308251099)
    assert (run / "artifacts" / "source" / "survey.json").is_file()


def test_residual_gains_bear_the_names_of_what_they_are(tmp_path: Path) -> None:
    run = imported(tmp_path, CLEAN)
    first, second = analysis.rows(run)
    assert (first["residual_gain_before_last"], first["residual_gain_normed"]) == (
        0.9866687545017112,
        0.31992625084363047,
    )
    assert "residual_gain" not in first, "the last block's own gain was not measured"
    assert (second["model"], second["rho"]) == ("gpt-j-6b", 0.0625)
    [gains] = by_layer(run, "residual_gain_before_last")
    assert gains.gains[:2] == (56.853030849241584, 0.9866687545017112)
    assert math.isnan(gains.gains[2]), "what has the final norm in it is no gain of the last block"
    assert runs.read_profile(run).model.dtype == "float32"


def test_a_list_of_models_with_a_point_from_elsewhere(tmp_path: Path) -> None:
    run = imported(tmp_path, LAW)
    rows = analysis.rows(run)
    assert [(row["params"], row["mlp_gain_last"]) for row in rows] == [(1_414_647_808, 3.604), (6_857_302_016, 6.245)]


def test_nan_is_a_gain_like_any_other(tmp_path: Path) -> None:
    text = json.dumps(FFN).replace("0.8922744140596759", "NaN")
    [row] = analysis.rows(imported(tmp_path, text))
    assert math.isnan(row["mlp_gain_largest"])
    assert row["mlp_gain_last"] == 3.603710308251099


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[0.52691", '["a", 0.5', "has 'a' as its 'gains', where a number is expected"),
        ('"EleutherAI/pythia-1.4b"', "7", "has no 'model'"),
        ('"EleutherAI/pythia-1.4b"', '"two words"', "names no model"),
        ('"gains": [0.892', '"gains": [], "x": [0.892', "where a list of numbers is expected"),
        ('"n_prompts": 8', '"n_prompts": 8,', "is not whole JSON"),
    ],
)
def test_damaged_surveys(old: str, new: str, sentence: str, tmp_path: Path) -> None:
    text = json.dumps(FFN)
    assert old in text
    with pytest.raises(LesionError, match=sentence) as raised:
        imported(tmp_path, text.replace(old, new))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "results").exists() or not list((tmp_path / "results").iterdir())
