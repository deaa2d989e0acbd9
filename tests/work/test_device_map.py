"""Models that accelerate places: the same results as without it, also through the hooks that move inputs about."""

from pathlib import Path
from typing import Any

import pytest
import torch

from engine.errors import LesionError
from engine.models import loading
from engine.profile import Profile, parse, trials
from engine.work.bench import Bench

MODEL = {"names": ["petri-16k"], "device": "cpu"}


def profile(model: dict[str, Any]) -> Profile:
    tables: dict[str, Any] = {
        "name": "placed",
        "model": model,
        "damage": [
            {"method": "mult_gauss", "groups": ["all", "embed_only"], "levels": [0.3]},
            {"method": "ablation", "groups": ["mlp_only"], "levels": [0.5], "layers": "last 1"},
            {"method": "skip", "groups": ["attn_all", "all"], "levels": [0.7]},
        ],
        "measure": [
            {"name": "perplexity", "documents": 4},
            {"name": "generation", "limit": 2, "max_new_tokens": 6},
            {"name": "gains"},
            {"name": "residual_gain", "prompts": "petri"},
            {"name": "spectrum", "documents": 4},
            {"name": "tasks", "limit": 2},
        ],
    }
    return parse(tables, "test", Path())


def results(spec: Profile, folder: Path, *, hooked: bool = False) -> list[dict[str, float]]:
    """The metrics of every trial but times; `hooked`: with a hook of accelerate on every module of the model."""
    bench = Bench(spec, folder, torch.device("cpu"), lambda message: None)
    found = []
    for trial in trials(spec):
        [(_, outcome)] = bench.run([trial])
        result = outcome.result
        assert result.status == "ok", result.error
        found.append({name: value for name, value in result.metrics.items() if "seconds" not in name})
        if hooked and len(found) == 1:
            from accelerate import dispatch_model

            assert bench._subject is not None
            model = bench._subject.loaded.model
            parts = [name for name, part in model.named_modules() if name and not list(part.children())]
            dispatch_model(model, {**dict.fromkeys(parts, "cpu"), "": "cpu"}, force_hooks=True)
            assert hasattr(model.gpt_neox.layers[0].mlp.dense_h_to_4h, "_hf_hook")
    return found


def test_placed_by_accelerate_nothing_changes(tmp_path: Path) -> None:
    plain = results(profile(MODEL), tmp_path)
    assert len({tuple(metrics.values()) for metrics in plain}) == len(plain)
    assert repr(results(profile(MODEL | {"device_map": "auto"}), tmp_path)) == repr(plain)
    assert repr(results(profile(MODEL), tmp_path, hooked=True)) == repr(plain)


def test_keys_do_not_depend_on_where_a_model_lies() -> None:
    placed = trials(profile(MODEL | {"device_map": "auto"}))
    assert [trial.key for trial in placed] == [trial.key for trial in trials(profile(MODEL))]


def test_what_would_stay_outside_of_the_gpus_cannot_be_damaged() -> None:
    """What accelerate offloads it leaves without weights, as the device `meta` does."""
    spec = profile(MODEL)
    model = loading.load(spec.model, "petri-16k", torch.device("cpu")).model
    model.gpt_neox.layers[2].mlp.to("meta")
    with pytest.raises(LesionError, match="petri-16k does not fit on the GPUs: 3,300 of its weights"):
        loading._check_spread("petri-16k", model)


@pytest.mark.parametrize("other", [{"device": "cuda:1"}, {"load_in": "8bit"}])
def test_one_device_and_all_of_them_are_a_contradiction(other: dict[str, str]) -> None:
    with pytest.raises(LesionError, match=r"model.device_map: spreads a model over all GPUs, and (device|load_in) = "):
        profile(MODEL | {"device_map": "auto"} | other)
