"""Asking about models in a process that has torch, from one that has not."""

import pytest

from engine import catalog
from engine.errors import LesionError
from engine.runs.survey import SurveyProcess, survey
from tests.runs.conftest import small_profile


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
