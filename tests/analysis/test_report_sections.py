"""The sections of a report: laws with references, doses and their law, correlations, verdicts; by hand or scipy."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from engine.analysis.gains import DENSE
from engine.analysis.reports.levels import Scale, scale
from engine.analysis.reports.published import compared, rows
from engine.analysis.reports.report import Part, Report, analysed
from engine.profile import Analysis, Reference
from tests.analysis.test_reports import page_of

PYTHIA = {
    "pythia-70m": (70_426_624, 8, 64),
    "pythia-160m": (162_322_944, 12, 64),
    "pythia-410m": (405_334_016, 16, 64),
    "pythia-1b": (1_011_781_632, 8, 256),
    "pythia-1.4b": (1_414_647_808, 16, 128),
    "pythia-2.8b": (2_775_208_960, 32, 80),
    "pythia-6.9b": (6_857_302_016, 32, 128),
    "pythia-12b": (11_846_072_320, 40, 128),
}
"""Parameters, heads and head size of the eight sizes, typed in from their cards and configurations."""


def undamaged(models: Sequence[str], **columns: Sequence[float]) -> pd.DataFrame:
    """A table of undamaged models with these metrics."""
    rows_of = [
        {"trial": f"t{place}", "model": model, "params": PYTHIA[model][0], **{k: v[place] for k, v in columns.items()}}
        for place, model in enumerate(models)
    ]
    same = {"run": "a", "method": "none", "group": None, "level": math.nan, "seed": 42, "status": "ok"}
    return pd.DataFrame([{**same, **row} for row in rows_of]).astype({"params": "Int64"})


def damaged(levels: Sequence[float], values: Sequence[float], **more: Any) -> pd.DataFrame:
    """Trials of one model, a seed each, at these levels; a baseline where the level is nan."""
    rows_of = [
        {
            "trial": f"{more.get('model', 'm')}-{place}",
            "seed": place,
            "level": level,
            "method": "mult_gauss",
            "group": "all",
        }
        | {"perplexity": value}
        | ({"method": "none", "group": None} if math.isnan(level) else {})
        for place, (level, value) in enumerate(zip(levels, values, strict=True))
    ]
    same = {"run": "a", "model": "m", "params": 1_000, "status": "ok"}
    return pd.DataFrame([{**same, **row, **more} for row in rows_of]).astype({"params": "Int64"})


def part_of(frame: pd.DataFrame, metric: str, **choices: Any) -> Part:
    return report_of(frame, metric, **choices).parts[0]


def report_of(frame: pd.DataFrame, *metrics: str, **choices: Any) -> Report:
    return analysed(["a"], frame, Analysis(metrics=metrics, **choices))


def test_the_law_of_the_eight_sizes_with_published_references() -> None:
    """Gains that follow N^0.35 exactly in six sizes, and the two that the survey added from elsewhere."""
    run = [name for name in PYTHIA if name not in ("pythia-1.4b", "pythia-6.9b")]
    gains = [3.604 * (PYTHIA[name][0] / PYTHIA["pythia-1.4b"][0]) ** 0.35 for name in run]
    references = tuple(
        Reference(name=name, metric="mlp_gain_last", params=float(PYTHIA[name][0]), value=value)
        for name, value in (("pythia-1.4b", 3.604), ("pythia-6.9b", 6.245), ("pythia-70m", 99.0))
    )
    [law] = part_of(undamaged(run, mlp_gain_last=gains), "mlp_gain_last", references=references).laws
    assert [point.model for point in law.points if point.reference] == ["pythia-1.4b", "pythia-6.9b"]  # 70m was run
    sizes, values = [point.params for point in law.points], [point.mean for point in law.points]
    line = scipy.stats.linregress(np.log10(sizes), np.log10(values))
    assert (law.law.exponent, law.law.stderr, law.law.p) == pytest.approx(
        (line.slope, line.stderr, line.pvalue), rel=1e-9
    )
    assert law.exponent == 0.35  # what the survey supposed, unless another is asked about
    t = (line.slope - 0.35) / line.stderr
    assert law.against == pytest.approx((t, 2 * scipy.stats.t.sf(abs(t), 6)), rel=1e-9)
    assert law.within_one_error == (abs(line.slope - 0.35) <= line.stderr)
    predicted, low, high = law.predictions()["175B"]
    assert predicted == pytest.approx(10 ** (line.intercept + line.slope * math.log10(175e9)), rel=1e-9)
    assert low < predicted < high
    page = page_of(report_of(undamaged(run, mlp_gain_last=gains), "mlp_gain_last", references=references))
    assert "Measured elsewhere, and added as reference points: pythia-1.4b" in page
    assert "p of 0.35" in page


def test_models_without_a_mean_above_zero_are_named() -> None:
    frame = undamaged(list(PYTHIA)[:5], gain=[1.0, -2.0, math.nan, 3.0, 4.0])
    [law] = part_of(frame, "gain").laws
    assert set(law.left_out) == {"pythia-160m", "pythia-410m"}
    assert "no mean above 0 is known of them there: pythia-160m, pythia-410m" in page_of(report_of(frame, "gain"))
    assert "3 sizes say little of an exponent: 5 are the least" in page_of(report_of(frame, "gain"))


def test_a_wider_confidence_widens_every_interval() -> None:
    frame = undamaged(list(PYTHIA), gain=[1.0, 1.5, 2.4, 2.9, 3.5, 4.6, 6.0, 8.1])
    narrow, wide = (part_of(frame, "gain", confidence=confidence).laws[0] for confidence in (0.9, 0.99))
    assert wide.law.low < narrow.law.low < narrow.law.high < wide.law.high
    reach = scipy.stats.t.ppf(0.95, 6) * narrow.law.stderr
    assert narrow.law.high - narrow.law.exponent == pytest.approx(reach)
    assert wide.predictions()["1T"][1] < narrow.predictions()["1T"][1]


LEVELS = [math.nan, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2]


def logistic(level: float, half: float) -> float:
    """log10 perplexity from 1 to 3, half of it at `half`, slope 2."""
    return 10 ** (1 + 2 / (1 + (half / level) ** 2)) if level > 0 else 10.0


def test_the_dose_of_half_the_damage_and_its_law_are_found_again() -> None:
    """Doses of half the damage that go as N^0.25 exactly, of five models."""
    halves = {f"m{place}": (10**4 * 4**place, 0.3 * (4**place) ** 0.25) for place in range(5)}
    frame = pd.concat(
        damaged(LEVELS, [logistic(0 if math.isnan(x) else x, half) for x in LEVELS], model=model, params=size)
        for model, (size, half) in halves.items()
    )
    part = part_of(frame, "perplexity")
    assert {dose.model: dose.curve.half for dose in part.doses} == pytest.approx(
        {model: half for model, (_, half) in halves.items()}, rel=1e-4
    )
    [law] = part.dose_laws
    assert law.law.exponent == pytest.approx(0.25, abs=1e-4)
    assert not law.left_out
    dose = part.doses[0]
    assert dose.spearman.r == pytest.approx(1.0)
    plain = scipy.stats.pearsonr([x for x in LEVELS[1:]], [math.log10(logistic(x, 0.3)) for x in LEVELS[1:]])
    assert (dose.pearson.r, dose.pearson.p) == pytest.approx((plain.statistic, plain.pvalue))


def test_a_dose_beyond_those_tried_is_marked_and_in_no_law() -> None:
    beyond = [logistic(0 if math.isnan(x) else x, 30.0) for x in LEVELS]
    part = part_of(damaged(LEVELS, beyond), "perplexity")
    assert not part.doses[0].curve.bounded
    assert "† Beyond the doses tried" in page_of(report_of(damaged(LEVELS, beyond), "perplexity"))


@pytest.mark.parametrize(
    ("method", "levels", "doses"),
    [
        ("mult_gauss", [0.0, 0.5], [0.0, 0.5]),
        ("scale", [1.0, 0.25], [0.0, 0.75]),
        ("svd_truncate", [1.0, 0.25], [0.0, 0.75]),
        ("uni_quant", [4.0, 1024.0], [0.25, 1 / 1024]),
    ],
)
def test_levels_as_doses(method: str, levels: list[float], doses: list[float]) -> None:
    found = scale(method, levels)
    assert isinstance(found, Scale)
    assert [found.dose(level) for level in levels] == doses


def test_levels_that_are_no_doses_say_why() -> None:
    assert "both sides of 1" in str(scale("scale", [0.5, 1.5]))
    assert "is not known here" in str(scale("of-no-package", [1.0]))


def test_perplexities_are_compared_by_their_logarithms() -> None:
    first, second = (10.0, 12.0, 11.0), (400.0, 90.0, 1000.0)
    frame = pd.concat([damaged([1.0] * 3, first, group="a"), damaged([1.0] * 3, second, group="b")])
    frame["trial"] = [f"t{place}" for place in range(6)]
    [compared] = part_of(frame, "perplexity").comparisons.made
    plain = scipy.stats.ttest_ind(np.log10(first), np.log10(second), equal_var=False)
    [pair] = compared.pairs
    assert compared.log
    assert (pair.welch.statistic, pair.welch.p) == pytest.approx((plain.statistic, plain.pvalue))
    assert "Compared are common logarithms" in page_of(report_of(frame, "perplexity"))


def test_many_damages_have_one_test_and_no_pairs() -> None:
    chance = np.random.default_rng(3)
    frame = pd.concat([damaged([1.0] * 3, chance.lognormal(2, 1, 3).tolist(), group=f"g{n}") for n in range(9)])
    frame["trial"] = [f"t{place}" for place in range(27)]
    [compared] = part_of(frame, "perplexity").comparisons.made
    assert compared.pairs == ()
    assert compared.classical is not None
    samples = [np.log10(frame[frame["group"] == f"g{place}"]["perplexity"].to_numpy()) for place in range(9)]
    assert compared.classical.statistic == pytest.approx(scipy.stats.f_oneway(*samples).statistic)


def test_metrics_together() -> None:
    perplexity = [12.0, 20.0, 55.0, 300.0, 900.0]
    accuracy = [0.9, 0.8, 0.75, 0.3, 0.2]
    frame = damaged([0.2, 0.4, 0.6, 0.8, 1.0], perplexity).assign(accuracy=accuracy)
    [both] = report_of(frame, "perplexity", "accuracy").together
    plain = scipy.stats.pearsonr(np.log10(perplexity), accuracy)
    assert (both.pearson.r, both.pearson.p) == pytest.approx((plain.statistic, plain.pvalue))
    assert both.spearman.r == pytest.approx(-1)


def test_the_survey_of_dense_heads() -> None:
    """Gains typed in so that two of the four dense models dampen: not more than half, and r = -0.13."""
    rho = [heads / size for _, heads, size in PYTHIA.values()]
    gain = [0.9, 1.2, 0.8, 1.1, 1.0, 1.3, 1.2, 1.1]
    frame = undamaged(list(PYTHIA), rho=rho, residual_gain=gain)
    found = part_of(frame, "residual_gain").density
    assert found is not None
    dense = [value for density, value in zip(rho, gain, strict=True) if density >= DENSE]
    others = [value for density, value in zip(rho, gain, strict=True) if density < DENSE]
    assert found.survey.dampening == pytest.approx(sum(value < 1 for value in dense) / len(dense))
    assert found.survey.expansion == pytest.approx(sum(value >= 1 for value in others) / len(others))
    plain = scipy.stats.pearsonr(rho, gain)
    assert (found.pearson.r, found.survey.r) == pytest.approx((plain.statistic, plain.statistic))
    ends = scipy.stats.pearsonr(rho, gain).confidence_interval(0.95)
    assert (found.pearson.low, found.pearson.high) == pytest.approx((ends.low, ends.high), rel=1e-6)
    told = page_of(report_of(frame, "residual_gain"))
    assert f'"dense heads dampen", by its own rule: {found.survey.verdict}.' in told


def test_runs_share_a_law_where_no_model_is_in_two_of_them() -> None:
    frame = undamaged(list(PYTHIA), gain=[1.0, 1.5, 2.4, 2.9, 3.5, 4.6, 6.0, 8.1])
    frame["run"] = ["a", "b", "c", "a", "b", "c", "a", "b"]
    [law] = analysed(["a", "b", "c"], frame, Analysis(metrics=("gain",))).parts[0].laws
    assert len(law.points) == 8
    assert law.runs == ("a", "b", "c")
    twice = pd.concat([frame, frame.assign(run="d")])
    apart = analysed(["a", "b", "c", "d"], twice, Analysis(metrics=("gain",))).parts[0].laws
    assert [len(law.points) for law in apart] == [3, 3, 2, 8]


def test_a_cell_that_failed_or_broke_is_counted() -> None:
    frame = damaged([0.5, 0.5, 1.0, 1.0], [10.0, math.nan, math.inf, math.nan])
    frame["status"] = ["ok", "failed", "ok", "oom"]
    cells = part_of(frame, "perplexity").cells
    assert [(cell.after.n, cell.after.nonfinite, cell.missing) for cell in cells] == [(1, 0, 1), (0, 1, 1)]
    assert "1 + 1 failed" in page_of(report_of(frame, "perplexity"))


def test_relative_takes_changes_and_aliases_name_what_the_attack_study_called_them() -> None:
    frame = damaged([0.5, 1.0], [10.0, 20.0]).assign(
        perplexity_change_pct=[100.0, 300.0], rank_reduction_pct=[-1.0, 2.0]
    )
    assert part_of(frame, "perplexity", relative=True).metric == "perplexity_change_pct"
    assert part_of(frame, "perplexity_increase").metric == "perplexity_change_pct"
    assert part_of(frame, "perplexity_post").metric == "perplexity"
    assert part_of(frame, "rank_reduction").metric == "rank_reduction_pct"


def test_the_summary_has_the_columns_and_figures_of_the_published_one() -> None:
    values = {"adamw": (-12.41, -2.37, 3.64), "sgd": (-0.81, 5.27, -1.04)}
    frame = pd.concat(damaged([100.0] * 3, column, group=group) for group, column in values.items())
    frame = frame.rename(columns={"perplexity": "rank_reduction_pct"}).assign(trial=[f"t{place}" for place in range(6)])
    report = report_of(frame, "rank_reduction_pct", absolute=True)
    adamw, sgd = rows(report)
    for row, mean, deviation, low, high in ((adamw, 6.14, 5.467, 2.37, 12.41), (sgd, 2.3733, 2.5112, 0.81, 5.27)):
        assert row["num_runs"] == 3
        assert round(row["mean_rank_reduction_pct"], 4) == mean
        assert round(row["std_dev_rank_reduction_pct"], 4) == deviation
        assert (row["min_rank_reduction_pct"], row["max_rank_reduction_pct"]) == (low, high)
    [test] = compared(report)
    assert test["test_type"] == "t-test"
    assert test["t_statistic"] == pytest.approx(-0.9484188880545299, rel=1e-12)
    assert test["p_value"] == pytest.approx(0.3966208715181173, rel=1e-9)
    assert test["significant"] is False
