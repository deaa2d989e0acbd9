"""Asking about models in a process that has torch, from one that has not."""

from pathlib import Path

import pytest

from engine import catalog
from engine.catalog.entries.families import PUBLISHED
from engine.errors import LesionError
from engine.runs.survey import SurveyProcess, survey
from tests.runs.conftest import small_profile

PYTHIA = [info for info in PUBLISHED if "pythia" in info.name]


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Hub and an empty cache, for the processes that are started."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


def test_survey_of_bundled_models_in_one_process() -> None:
    process = SurveyProcess()
    try:
        first = process.ask(small_profile(model={"names": ["petri-16k", "petri-60k"], "device": "cpu"}))
        second = process.ask(small_profile())
    finally:
        process.close()
    small, large = first.models
    assert (small.name, large.name) == ("petri-16k", "petri-60k")
    assert second.models[0].groups == small.groups
    assert small.error is None
    assert small.parameters == catalog.model("petri-16k").parameters
    assert 0 < small.weights_bytes < large.weights_bytes
    assert small.need_bytes >= small.weights_bytes + small.snapshot_bytes
    assert small.fits
    assert small.groups.keys() == {"attn_only", "mlp_only"}


def test_pythia_is_sized_without_the_hub(offline: None) -> None:
    models = survey(small_profile(model={"names": "pythia:*", "device": "cpu", "dtype": "float16"})).models
    assert [model.parameters for model in models] == [info.parameters for info in PYTHIA]
    for model in models:
        assert model.error is None
        assert model.need_bytes > model.weights_bytes > 2 * model.parameters
        assert model.unreachable is not None
        assert "is not in the cache of this host" in model.unreachable
        assert model.fits == (model.need_bytes + model.reserve_bytes <= model.free_bytes) or model.batch
    [unknown] = survey(small_profile(model={"names": ["EleutherAI/pythia-9m"], "device": "cpu"})).models
    assert unknown.error is not None
    assert unknown.verdict == "cannot be used"


def test_a_model_that_cannot_be_read_is_an_error_of_its_own(tmp_path: object) -> None:
    names = {"names": ["petri-16k", str(tmp_path)], "device": "cpu"}
    good, bad = survey(small_profile(model=names)).models
    assert (good.error, good.fits) == (None, True)
    assert bad.error
    assert not bad.fits


def test_a_process_that_ends_is_replaced() -> None:
    process = SurveyProcess()
    try:
        process.ask(small_profile())
        assert process._process is not None
        process._process.kill()
        process._process.wait()
        with pytest.raises(LesionError, match="the survey of the models ended early"):
            process.ask(small_profile())
        assert process.ask(small_profile()).models[0].fits
    finally:
        process.close()


def test_a_process_that_was_closed_is_not_started_again() -> None:
    """As when the console is left at the moment in which it asks its first question."""
    process = SurveyProcess()
    process.close()
    try:
        with pytest.raises(LesionError, match="was ended"):
            process.ask(small_profile())
    finally:
        process.close()
    assert process._process is None
