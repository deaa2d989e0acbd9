"""Gains and spectra of a real pretrained model against float64 passes written out part by part."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.measure.gains.run import Gains
from engine.measure.gains.table import GainsMeasure
from engine.measure.residual_gain.run import ResidualGain
from engine.measure.residual_gain.table import ResidualGainMeasure
from engine.measure.spectrum.run import Spectrum
from engine.measure.spectrum.table import SpectrumMeasure
from engine.measure.tasks.run import Tasks
from engine.measure.tasks.table import TasksMeasure
from engine.models.loading import LoadedModel
from engine.profile.texts import documents, prompts
from tests.measure.by_hand import doubled, walk


@pytest.fixture(scope="module")
def double(smollm2: LoadedModel) -> Any:
    return doubled(smollm2)


def _quiet(done: int, total: int) -> None:
    """No progress."""


def _length(hidden: torch.Tensor) -> float:
    return float(hidden.norm(dim=-1).mean())


def test_gains_are_those_of_float64_passes(smollm2: LoadedModel, double: Any) -> None:
    spec = GainsMeasure(prompts="gains4")
    walked = [walk(smollm2, text, double)[0] for text in prompts(spec, Path())]
    layers = range(len(walked[0]))
    artifact = Gains(spec, smollm2, Path()).run(0, 4, _quiet).artifact
    assert artifact is not None
    attention = [[_length(s[i].attention_out) / _length(s[i].attention_in) for s in walked] for i in layers]
    mlp = [[_length(s[i].mlp_out) / _length(s[i].mlp_in) for s in walked] for i in layers]
    assert artifact["attention"] == pytest.approx(np.mean(attention, axis=1).tolist(), rel=1e-4)
    assert artifact["mlp"] == pytest.approx(np.mean(mlp, axis=1).tolist(), rel=1e-4)


def test_residual_gains_are_those_of_float64_passes(smollm2: LoadedModel, double: Any) -> None:
    spec = ResidualGainMeasure(prompts="residual25", limit=5)
    found = ResidualGain(spec, smollm2, Path()).run(0, 5, _quiet).metrics
    last, normed, before = [], [], []
    for text in prompts(spec, Path()):
        steps, final = walk(smollm2, text, double)
        into = float(steps[-1].before[-1].norm())
        last.append(float(steps[-1].after[-1].norm()) / into)
        normed.append(float(final[-1].norm()) / into)
        before.append(into / float(steps[-2].before[-1].norm()))
    for name, values in (("", last), ("_normed", normed), ("_before_last", before)):
        assert found[f"residual_gain{name}"] == pytest.approx(np.mean(values), rel=1e-4)
        assert found[f"residual_gain{name}_std"] == pytest.approx(np.std(values), rel=1e-2)
    assert found["rho"] == 9 / 64


@pytest.mark.parametrize("count", [2, 4])  # fewer tokens than the width of 576, and more
def test_effective_rank_is_that_of_numpy(smollm2: LoadedModel, double: Any, count: int) -> None:
    spec = SpectrumMeasure(text="english", documents=count)
    measured = Spectrum(spec, smollm2, Path()).run(0, 2, _quiet)
    rows = [walk(smollm2, text, double)[0][15].after for text in documents(spec, Path())]
    singular = np.linalg.svd(torch.cat(rows).numpy(), compute_uv=False)
    share = singular / singular.sum()
    assert measured.metrics["effective_rank"] == pytest.approx(np.exp(-np.sum(share * np.log(share))), rel=1e-4)
    assert measured.metrics["spectral_gap"] == pytest.approx(singular[0] - singular[1], rel=1e-4)
    assert measured.artifact is not None
    assert measured.artifact["tokens"] == sum(map(len, rows))
    assert (measured.artifact["tokens"] > 576) == (count == 4)


def test_a_model_that_has_learnt_to_read_answers_easy_questions(smollm2: LoadedModel) -> None:
    """24 questions of four choices each: guessing gets 6."""
    assert Tasks(TasksMeasure(task="basics"), smollm2, Path()).run(0, 16, _quiet).metrics["accuracy"] > 0.6
