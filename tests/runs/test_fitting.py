"""Leaving models out that do not fit, with models whose configuration alone says that they are too large."""

import json
from pathlib import Path

import pytest

from engine.errors import LesionError
from engine.profile import load
from engine.runs import create, read_manifest, read_profile, start
from engine.runs.fitting import fitted
from engine.runs.survey import survey
from tests.runs.conftest import small_profile

SHAPE = {"model_type": "gpt_neox", "vocab_size": 512, "num_attention_heads": 8, "num_hidden_layers": 2}


@pytest.fixture
def huge(tmp_path: Path) -> str:
    """A model of some 50 TB, of which there is only the configuration."""
    shape = {"hidden_size": 2**20, "intermediate_size": 2**22, "max_position_embeddings": 256}
    return _configured(tmp_path / "huge", shape)


@pytest.fixture
def wide(tmp_path: Path) -> str:
    """A model that is small, but not its batches: a token takes 400 MB."""
    return _configured(tmp_path / "wide", {"hidden_size": 8, "intermediate_size": 50_000_000, "num_hidden_layers": 1})


def _configured(folder: Path, shape: dict[str, int]) -> str:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(SHAPE | shape))
    return str(folder)


def test_what_does_not_fit_is_left_out_and_said(tmp_path: Path, huge: str) -> None:
    profile = small_profile(model={"names": [huge, "petri-16k"], "device": "cpu", "fit": True})
    run = create(profile, tmp_path / "results", source=None)
    resolved = load(run / "profile.toml")
    assert (resolved.model.names, resolved.model.fit) == (("petri-16k",), False)
    told = read_manifest(run)["left_out"][huge]
    assert told.startswith(f"{huge} is left out: it needs ")
    assert start(run).wait() == 0
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert [event["text"] for event in events if event["event"] == "warning"] == [told]
    assert events[0]["total"] == 7
    again = create(read_profile(run), tmp_path / "results", source=None)
    assert read_profile(again).model.names == ("petri-16k",)
    assert "left_out" not in read_manifest(again)


def test_all_that_fit_stay_and_none_is_a_mistake(tmp_path: Path, huge: str) -> None:
    names = {"names": ["petri-16k", "petri-60k"], "device": "cpu"}
    profile = small_profile(model=names | {"fit": True})
    assert fitted(profile) == (small_profile(model=names), [])
    with pytest.raises(LesionError, match=r"none of the models fits into memory: .*huge is left out"):
        create(small_profile(model={"names": [huge], "fit": True, "device": "cpu"}), tmp_path / "r", source=None)
    assert not (tmp_path / "r").exists()


def test_a_model_that_fits_but_cannot_be_reached_is_a_mistake(
    tmp_path: Path, huge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaving it out would lose a result; one that would not fit anyway is not missed."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with pytest.raises(LesionError, match="pythia-70m is not in the cache of this host"):
        fitted(small_profile(model={"names": ["pythia:70m", huge], "fit": True, "device": "cpu"}))
    with pytest.raises(LesionError, match="missing cannot be used: there is no model at"):
        fitted(small_profile(model={"names": ["petri-4k", huge]}).model_copy(update={"model": _missing(tmp_path)}))


def _missing(folder: Path) -> object:
    return small_profile().model.model_copy(update={"names": (f"{folder}/missing",), "fit": True})


def test_batches_are_halved_until_they_fit(wide: str) -> None:
    measures = [{"name": "gains", "prompts": ["a b c"] * 4096, "batch_size": 4096}]
    [model] = survey(small_profile(model={"names": [wide], "device": "cpu"}, measure=measures)).models
    assert model.error is None
    size = model.batch["gains"]
    assert model.verdict == f"fits with batch {size}"
    assert 4096 % size == 0
    # Three tokens at most, and twice 50 million numbers for each, beside the weights.
    room = model.free_bytes - model.reserve_bytes - model.weights_bytes - model.snapshot_bytes
    a_row = model.activation_bytes / 4096
    assert size * a_row <= room < 2 * size * a_row
