"""What models are called."""

from engine.analysis.names import model_name, short_names


def test_paths_are_called_by_their_last_part_and_hub_ids_as_they_are() -> None:
    assert model_name("/data/models/smollm2-135m") == "smollm2-135m"
    assert model_name("/data/x.Q4_1.gguf") == "x.Q4_1.gguf"
    assert model_name("EleutherAI/pythia-70m") == "EleutherAI/pythia-70m"
    assert model_name("petri-1m") == "petri-1m"


def test_models_of_one_name_keep_their_whole_path() -> None:
    models = ["/a/model", "/b/model", "/b/other", "petri-1m", "/a/model"]
    named = {"/a/model": "/a/model", "/b/model": "/b/model", "/b/other": "other", "petri-1m": "petri-1m"}
    assert short_names(models) == named
