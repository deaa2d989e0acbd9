"""Abilities told apart by labels, and half-damage doses against values worked out by hand."""

import math

import pandas as pd
import pytest

from engine import analysis
from engine.analysis.abilities import half_dose
from tests.analysis.conftest import MakeRun, record


def shares(facts: float, sums: float) -> dict[str, float]:
    return {"perplexity": 3.0, "facts.accuracy": facts, "sums.accuracy": sums, "facts.accuracy_normalised": facts}


def run_of(make_run: MakeRun, *damaged: tuple[float, int, float, float], method: str = "mult_gauss") -> pd.DataFrame:
    """A run with one baseline and a trial for each (level, seed, facts, sums)."""
    baseline = record(0, baseline=True, metrics=shares(1.0, 0.3))
    trials = [
        record(index, level=level, seed=seed, method=method, metrics=shares(facts, sums))
        for index, (level, seed, facts, sums) in enumerate(damaged, start=1)
    ]
    return analysis.table(make_run(baseline, *trials))


def test_only_headlines_that_two_labels_share_are_told_apart() -> None:
    metrics = ["perplexity", "a.accuracy", "b.accuracy", "a.accuracy_normalised", "b.accuracy_normalised"]
    assert analysis.told_apart(metrics) == {"accuracy": ["a.accuracy", "b.accuracy"]}
    assert analysis.told_apart(["accuracy", "a.accuracy", "a.perplexity", "b.perplexity"]) == {}


def test_half_dose_by_hand() -> None:
    # From 1 to a floor of 0.2 the middle is 0.6: from 0.8 at 1 to 0.4 at 2 it lies at 1.5.
    assert half_dose([0.0, 1.0, 2.0], [1.0, 0.8, 0.4], 1.0, 0.2) == pytest.approx(1.5)
    assert half_dose([0.5, 1.0], [0.6, 0.2], 1.0, 0.2) == 0.5
    assert math.isnan(half_dose([0.0, 1.0], [1.0, 0.7], 1.0, 0.2))


def test_each_seed_has_its_half_dose_and_what_never_fails_has_none(make_run: MakeRun) -> None:
    frame = run_of(
        make_run,
        *((0.0, seed, 1.0, 0.3) for seed in (1, 2)),
        *((0.4, seed, facts, 0.3) for seed, facts in ((1, 0.8), (2, 0.5))),
        *((0.8, seed, 0.2, 0.25) for seed in (1, 2)),
    )
    ((facts, sums),) = analysis.abilities(frame, ["facts.accuracy", "sums.accuracy"])
    assert (facts.label, sums.label) == ("facts", "sums")
    assert facts.curve.mean == pytest.approx((1.0, 0.65, 0.2))
    # The middle of 1 and 0.2 is 0.6: seed 1 passes it at 0.4 + 0.4 · 0.2/0.6, seed 2 at 0.4 · 0.4/0.5.
    assert facts.half == pytest.approx((0.4 + 0.4 / 3, 0.32))
    assert facts.mean_half == pytest.approx((0.4 + 0.4 / 3 + 0.32) / 2)
    assert sums.half == ()  # 0.3 to 0.25: it was hardly there
    assert math.isnan(sums.mean_half)


def test_a_descending_dose_is_read_from_its_harmless_end(make_run: MakeRun) -> None:
    levels = [(1024.0, 1.0), (64.0, 0.9), (8.0, 0.1)]
    frame = run_of(make_run, *((level, 1, facts, 0.3) for level, facts in levels), method="uni_quant")
    ((facts, _),) = analysis.abilities(frame, ["facts.accuracy", "sums.accuracy"])
    assert facts.half == pytest.approx((64 - 56 * (0.9 - 0.55) / 0.8,))


def test_the_largest_model_comes_first(make_run: MakeRun) -> None:
    sizes = {"petri-16k": 35_700, "petri-1m": 1_105_056, "petri-60k": 100_200}
    trials = [
        record(index, model=model, parameters=size, metrics=shares(1.0, 0.5))
        for index, (model, size) in enumerate(sizes.items())
    ]
    found = analysis.abilities(analysis.table(make_run(*trials)), ["facts.accuracy", "sums.accuracy"])
    assert [facts.curve.model for facts, _ in found] == ["petri-1m", "petri-60k", "petri-16k"]
    assert all(one.half == () for pair in found for one in pair)  # without a baseline nothing is lost
