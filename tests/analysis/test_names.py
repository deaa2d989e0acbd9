"""What models are called."""

import json

import pytest

from app.charts.chart import Paper
from app.charts.scaling import ScalingChart, scaling_panel
from engine.analysis import dose, table
from engine.analysis.names import model_name, names_over_runs, short_names
from tests.analysis.conftest import MakeRun, record


def test_paths_are_called_by_their_last_part_and_hub_ids_as_they_are() -> None:
    assert model_name("/data/models/smollm2-135m") == "smollm2-135m"
    assert model_name("/data/x.Q4_1.gguf") == "x.Q4_1.gguf"
    assert model_name("EleutherAI/pythia-70m") == "EleutherAI/pythia-70m"
    assert model_name("petri-1m") == "petri-1m"


def test_paths_that_end_alike_are_called_by_as_much_as_tells_them_apart() -> None:
    models = ["/a/model", "/b/model", "/b/other", "petri-1m", "/a/model"]
    named = {"/a/model": "a/model", "/b/model": "b/model", "/b/other": "other", "petri-1m": "petri-1m"}
    assert short_names(models) == named
    assert short_names(["/x/a/m", "/y/a/m", "/y/b/m"]) == {"/x/a/m": "x/a/m", "/y/a/m": "y/a/m", "/y/b/m": "b/m"}
    assert short_names(["/m", "/a/m"]) == {"/m": "/m", "/a/m": "a/m"}
    assert short_names(["gpt2", "/models/gpt2"]) == {"gpt2": "gpt2", "/models/gpt2": "models/gpt2"}


F32, F16 = "float32", "float16"


@pytest.mark.parametrize(
    ("runs", "names"),
    [
        ([({"/a/m": None}), ({"/a/m": None})], ["m", "m"]),
        ([({"/a/m": None}), ({"/b/m": None})], ["a/m", "b/m"]),
        ([({"/a/m": (F32, "aaaaaaaa")}), ({"/b/m": (F32, "bbbbbbbb")})], ["a/m", "b/m"]),
        ([({"/a/m": (F32, "aaaaaaaa")}), ({"/b/m": (F32, "aaaaaaaa")})], ["m", "m"]),
        ([({"/a/m": (F32, "aaaaaaaa")}), ({"/a/m": (F32, "bbbbbbbb")})], ["m (aaaaaa)", "m (bbbbbb)"]),
        ([({"/a/m": (F32, "aaaaaaaa")}), ({"/a/m": (F16, "bbbbbbbb")})], ["m", "m"]),
        ([({"org/m": (F32, "aaaaaaaa")}), ({"/org/m": (F32, "aaaaaaaa")})], ["org/m", "m"]),
    ],
)  # fmt: skip
def test_models_of_several_runs(runs: list[dict[str, tuple[str, str] | None]], names: list[str]) -> None:
    given = [(list(run), {model: weights for model, weights in run.items() if weights}) for run in runs]
    assert [name for named in names_over_runs(given) for name in named.values()] == names


def test_folders_of_one_name_stay_apart_in_a_table_of_two_runs(make_run: MakeRun) -> None:
    runs = []
    for place, folder in enumerate(("/old/model", "/new/model")):
        run = make_run(
            record(0, baseline=True, model=folder, metrics={"perplexity": 10.0}),
            record(1, model=folder, metrics={"perplexity": 20.0 + place}),
            name=f"20261121-1432-run-000{place}",
        )
        runs.append(run)
    assert {curve.model: curve.mean for curve in dose(table(runs), "perplexity")} == {
        "old/model": (20.0,),
        "new/model": (21.0,),
    }
    for run, folder in zip(runs, ("/old/model", "/new/model"), strict=True):
        facts = {"models": {folder: {"dtype": "float32", "digest": "abcdef0123"}}}
        (run / "manifest.json").write_text(json.dumps(facts))
    [curve] = dose(table(runs), "perplexity")
    assert (curve.model, curve.n) == ("model", (2,))
    (runs[0] / "manifest.json").write_text('{"models": [1, {"digest": 3}]}')
    assert len(dose(table(runs), "perplexity")) == 2


def test_a_scaling_chart_names_folders_of_one_name_apart(make_run: MakeRun) -> None:
    run = make_run(
        *(
            record(place, baseline=True, model=f"/{name}/model", parameters=10**place)
            for place, name in enumerate("xyz")
        )
    )
    panel = scaling_panel(table(run), "perplexity", "none", None)
    drawn = ScalingChart("perplexity", panel).text(Paper(100))
    assert all(f"{name}/model" in drawn for name in "xyz")
