"""Gains against forward passes written out in float64, one prompt at a time, and against published figures."""

import math
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import GPTJConfig, GPTNeoXConfig

from engine.errors import LesionError
from engine.measure.gains.run import Gains, summary
from engine.measure.gains.table import GainsMeasure
from engine.measure.measurement import Measured
from engine.measure.residual_gain.run import ResidualGain, head_density
from engine.measure.residual_gain.table import ResidualGainMeasure
from engine.models.loading import LoadedModel
from tests.measure.by_hand import walk

PROMPTS = ("once", "The old lighthouse keeper said", "a", "why do crows", "two and two is", "Good morning, dear")
FAMILIES = ["llama", "gpt2", "neox", "petri"]

# Pythia-1.4b, as published for eight prompts.
ATTENTION = [0.527, 0.312, 0.240, 0.314, 0.249, 0.233, 0.266, 0.203, 0.294, 0.216, 0.216, 0.240]
ATTENTION += [0.264, 0.228, 0.251, 0.217, 0.174, 0.166, 0.161, 0.335, 0.083, 0.090, 0.099, 0.3712703637112994]
MLP = [0.892, 0.261, 0.371, 1.769551073128353, 0.864, 0.462, 0.561, 0.444, 0.476, 0.436, 0.499, 0.533]
MLP += [0.590, 0.621, 0.672, 0.673, 0.682, 0.686, 0.794, 0.715, 0.698, 0.648, 0.917, 3.603710308251099]


def gains(loaded: LoadedModel, batch_size: int = 4) -> Measured:
    return Gains(GainsMeasure(prompts=PROMPTS), loaded, Path()).run(0, batch_size, lambda done, total: None)


def residual(loaded: LoadedModel, batch_size: int = 4) -> Measured:
    measurement = ResidualGain(ResidualGainMeasure(prompts=PROMPTS), loaded, Path())
    return measurement.run(0, batch_size, lambda done, total: None)


def length(hidden: torch.Tensor) -> float:
    """Mean length of the tokens."""
    return sum(math.sqrt(math.fsum(x * x for x in token)) for token in hidden.tolist()) / len(hidden)


@pytest.mark.parametrize("name", FAMILIES)
def test_gains_are_those_of_passes_written_out(name: str, subjects: dict[str, LoadedModel]) -> None:
    walked = [walk(subjects[name], text)[0] for text in PROMPTS]
    depth = len(walked[0])
    attention = [
        sum(length(steps[i].attention_out) / length(steps[i].attention_in) for steps in walked) / len(PROMPTS)
        for i in range(depth)
    ]
    mlp = [
        sum(length(steps[i].mlp_out) / length(steps[i].mlp_in) for steps in walked) / len(PROMPTS) for i in range(depth)
    ]
    measured = gains(subjects[name])
    assert measured.artifact is not None
    assert measured.artifact["attention"] == pytest.approx(attention, rel=2e-5)
    assert measured.artifact["mlp"] == pytest.approx(mlp, rel=2e-5)
    assert measured.metrics == pytest.approx(
        {
            "attention_gain_last": attention[-1],
            "mlp_gain_last": mlp[-1],
            "mlp_gain_largest": max(mlp),
            "mlp_gain_largest_layer": mlp.index(max(mlp)),
            "attention_contracting": sum(gain < 1 for gain in attention) / depth,
            "mlp_contracting": sum(gain < 1 for gain in mlp) / depth,
        },
        rel=2e-5,
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_residual_gains_are_those_of_passes_written_out(name: str, subjects: dict[str, LoadedModel]) -> None:
    by_prompt, normed = [], []
    for text in PROMPTS:
        steps, final = walk(subjects[name], text)
        ends = [float(step.before[-1].norm()) for step in steps]
        outs = [*ends[1:], float(steps[-1].after[-1].norm())]
        by_prompt.append([out / into for out, into in zip(outs, ends, strict=True)])
        normed.append(float(final[-1].norm()) / ends[-1])
    measured = residual(subjects[name])
    assert measured.artifact is not None
    assert torch.allclose(torch.tensor(measured.artifact["by_prompt"]), torch.tensor(by_prompt), rtol=2e-5)
    for metric, values in {
        "residual_gain": [row[-1] for row in by_prompt],
        "residual_gain_normed": normed,
        "residual_gain_before_last": [row[-2] for row in by_prompt],
    }.items():
        mean = sum(values) / len(values)
        spread = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
        assert measured.metrics[metric] == pytest.approx(mean, rel=2e-5), metric
        assert measured.metrics[f"{metric}_std"] == pytest.approx(spread, rel=2e-4), metric
    assert measured.metrics["dampening"] == float(measured.metrics["residual_gain"] < 1)
    heads, size = {"petri": (4, 10)}.get(name, (4, 8))
    assert measured.metrics["rho"] == pytest.approx(heads / size)


@pytest.mark.parametrize("measure", [gains, residual])
@pytest.mark.parametrize("name", FAMILIES)
def test_batches_and_padding_do_not_matter(measure: object, name: str, subjects: dict[str, LoadedModel]) -> None:
    assert callable(measure)
    alone = measure(subjects[name], 1).metrics
    for batch_size in (4, 64):
        assert measure(subjects[name], batch_size).metrics == pytest.approx(alone, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("measure", [gains, residual])
def test_nothing_stays_hooked_and_nothing_changes(measure: object, subjects: dict[str, LoadedModel]) -> None:
    assert callable(measure)
    for loaded in subjects.values():
        assert measure(loaded).metrics == measure(loaded).metrics
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in loaded.model.modules())


def test_half_precision_lengths_do_not_overflow(subjects: dict[str, LoadedModel]) -> None:
    """Squares of what a half can hold do not fit in a half."""
    loaded = subjects["gpt2"]
    whole = gains(loaded).metrics
    model = deepcopy(loaded.model).half()
    with torch.no_grad():
        for block in model.transformer.h:
            block.ln_1.weight *= 1000  # attention scores are beyond all bounds, so only lengths are looked at
    from engine.models.architecture import architecture

    large = gains(replace(loaded, model=model, architecture=architecture(model))).metrics
    assert math.isfinite(large["attention_gain_last"])
    assert large["attention_gain_last"] != pytest.approx(whole["attention_gain_last"])


def test_a_broken_model_has_gains_that_are_not_numbers(subjects: dict[str, LoadedModel]) -> None:
    loaded = subjects["llama"]
    weight = loaded.model.model.layers[1].mlp.down_proj.weight
    kept = weight.detach().clone()
    try:
        with torch.no_grad():
            weight.fill_(math.nan)
        found, stream = gains(loaded).metrics, residual(loaded).metrics
    finally:
        with torch.no_grad():
            weight.copy_(kept)
    assert math.isnan(found["mlp_gain_last"])
    assert math.isnan(found["mlp_gain_largest"])
    assert math.isfinite(found["attention_gain_last"])
    assert math.isnan(stream["residual_gain"])
    assert math.isnan(stream["dampening"])
    assert math.isfinite(stream["residual_gain_before_last"])


def test_published_gains_are_summed_up_as_published() -> None:
    found = summary(ATTENTION, MLP)
    assert found["mlp_gain_last"] == found["mlp_gain_largest"] == pytest.approx(3.604, abs=5e-4)
    assert found["mlp_gain_largest_layer"] == 23
    assert found["attention_contracting"] == 24 / 24
    assert found["mlp_contracting"] == 22 / 24


@pytest.mark.parametrize(
    ("hidden", "heads", "rho"),
    [(512, 8, 8 / 64), (1024, 16, 16 / 64), (2048, 8, 8 / 256), (2560, 32, 32 / 80), (4096, 32, 0.25)],
)
def test_density_of_heads_of_published_sizes(hidden: int, heads: int, rho: float) -> None:
    assert head_density(GPTNeoXConfig(hidden_size=hidden, num_attention_heads=heads)) == rho
    assert head_density(GPTJConfig()) == 0.0625


def test_prompts_that_do_not_fit_are_refused(subjects: dict[str, LoadedModel]) -> None:
    long = ("c" * 65,)
    with pytest.raises(LesionError, match=r"has 65 tokens; it must have 1 to 64"):
        Gains(GainsMeasure(prompts=long), subjects["gpt2"], Path())
    with pytest.raises(LesionError, match=r"has 65 tokens; it must have 1 to 64"):
        ResidualGain(ResidualGainMeasure(prompts=long), subjects["gpt2"], Path())
