"""Dose–response curves against means and ranges worked by hand."""

import math

import pytest

from engine import analysis
from engine.errors import LesionError
from tests.analysis.conftest import MakeRun, record


def test_curve_by_hand(make_run: MakeRun) -> None:
    values = {(0.0, 42): 10.0, (0.0, 43): 14.0, (0.5, 42): 20.0, (0.5, 43): 40.0, (1.0, 42): "inf", (1.0, 43): 99.0}
    damaged = [
        record(index, level=level, seed=seed, metrics={"perplexity": value})
        for index, ((level, seed), value) in enumerate(values.items(), start=1)
    ]
    oom = record(9, level=1.0, seed=44, status="oom", metrics={})
    (curve,) = analysis.dose(
        analysis.table(make_run(record(0, baseline=True, metrics={"perplexity": 9.0}), *reversed(damaged), oom)),
        "perplexity",
    )
    assert (curve.model, curve.method, curve.group) == ("petri-16k", "mult_gauss", "attn_only")
    assert curve.level == (0.0, 0.5, 1.0)
    assert curve.mean == (12.0, 30.0, 99.0)
    assert curve.low == (10.0, 20.0, 99.0)
    assert curve.high == (14.0, 40.0, 99.0)
    assert curve.n == (2, 2, 1)
    assert curve.nonfinite == (0, 0, 1)
    assert curve.missing == (0, 0, 1)
    assert curve.baseline == 9.0


def test_a_level_without_a_finite_value_stays_and_is_counted(make_run: MakeRun) -> None:
    run = make_run(record(0, metrics={"perplexity": "nan"}), record(1, seed=43, metrics={"perplexity": "inf"}))
    (curve,) = analysis.dose(analysis.table(run), "perplexity")
    assert curve.level == (0.5,)
    assert math.isnan(curve.mean[0])
    assert (curve.n, curve.nonfinite) == ((0,), (2,))
    assert math.isnan(curve.baseline)


def test_a_curve_for_each_model_method_group_and_narrowing(make_run: MakeRun) -> None:
    run = make_run(
        record(0, baseline=True),
        record(1),
        record(2, layers="0-1"),
        record(3, group="mlp_only"),
        record(4, method="ablation"),
        record(5, model="petri-60k"),
    )
    found = [(curve.model, curve.method, curve.group) for curve in analysis.dose(analysis.table(run), "perplexity")]
    assert found == [
        ("petri-16k", "mult_gauss", "attn_only"),
        ("petri-16k", "mult_gauss", "attn_only[0-1]"),
        ("petri-16k", "mult_gauss", "mlp_only"),
        ("petri-16k", "ablation", "attn_only"),
        ("petri-60k", "mult_gauss", "attn_only"),
    ]


def test_the_change_is_a_metric_too(make_run: MakeRun) -> None:
    run = make_run(record(0, baseline=True, metrics={"perplexity": 10.0}), record(1, metrics={"perplexity": 5.0}))
    (curve,) = analysis.dose(analysis.table(run), "perplexity_change_pct")
    assert curve.mean == (-50.0,)


def test_an_unknown_metric_is_refused_with_the_known_ones(make_run: MakeRun) -> None:
    frame = analysis.table(make_run(record(0)))
    with pytest.raises(LesionError, match=r"no metric 'perplexty'.*did you mean 'perplexity'"):
        analysis.dose(frame, "perplexty")
    with pytest.raises(LesionError, match="no metric 'seed'"):
        analysis.dose(frame, "seed")
