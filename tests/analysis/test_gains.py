"""The surveys of gains: head density against published verdicts and by hand, gains by layer from files."""

import json
import math
from pathlib import Path

import pytest

from engine import analysis
from engine.analysis.gains import by_layer, density_of, head_density, hypothesis
from engine.analysis.power_law import fit
from engine.errors import LesionError
from tests.analysis.conftest import MakeRun, record

PYTHIA_1_4B, PYTHIA_6_9B = 1_414_647_808, 6_857_302_016


def test_the_published_pair_of_models_has_the_published_verdict() -> None:
    # Residual gains without the final norm of a published file of two models: 100 % right, "VALIDATED".
    found = density_of([("pythia-6.9b", 32 / 128, 0.9866687545017112), ("gpt-j-6b", 16 / 256, 1.1328371992519364)])
    assert (found.dampening, found.expansion, found.verdict) == (1.0, 1.0, "validated")
    assert (found.r, found.p) == (None, None)


def test_correlation_rates_and_verdict_by_hand() -> None:
    # deviations of rho −0.1, 0, 0.1 and of gain 0.1, 0.1, −0.2: r = −0.03 / √(0.02 · 0.06) = −√3/2
    found = density_of([("a", 0.1, 1.2), ("b", 0.2, 1.2), ("c", 0.3, 0.9)])
    assert found.r == pytest.approx(-math.sqrt(3) / 2)
    assert found.p == pytest.approx(1 / 3)  # one degree of freedom: t = −√3, p = 1 − (2/π)·atan √3
    assert (found.dampening, found.expansion) == (0.5, 1.0)
    assert found.verdict == "validated"  # by r alone: half of the dense models is not more than half


@pytest.mark.parametrize(
    ("points", "verdict"),
    [
        ([], "inconclusive"),
        ([("a", 0.1, 1.2), ("b", 0.3, 1.1)], "inconclusive"),
        ([("a", 0.1, 1.0), ("b", 0.2, 1.1), ("c", 0.3, 1.2)], "not validated"),
        ([("a", 0.2, 1.0), ("b", 0.2, 1.1), ("c", 0.2, 1.2)], "not validated"),  # no correlation without spread
        ([("a", 0.1, 0.5), ("b", 0.2, 0.6), ("c", 0.3, 0.7)], "validated"),  # by the rate alone
    ],
)
def test_verdicts(points: list[tuple[str, float, float]], verdict: str) -> None:
    assert density_of(points).verdict == verdict


def test_the_published_reference_points_lie_on_the_supposed_law() -> None:
    # Last-layer MLP gains 3.604 of Pythia 1.4B and 6.245 of 6.9B; a third point in their geometric middle.
    middle, between = math.sqrt(PYTHIA_1_4B * PYTHIA_6_9B), math.sqrt(3.604 * 6.245)
    law = fit([PYTHIA_1_4B, round(middle), PYTHIA_6_9B], [3.604, between, 6.245])
    assert law.exponent == pytest.approx(math.log(6.245 / 3.604) / math.log(PYTHIA_6_9B / PYTHIA_1_4B), rel=1e-6)
    assert law.exponent == pytest.approx(0.35, abs=0.005)
    assert law.at(PYTHIA_6_9B) == pytest.approx(6.245, rel=1e-6)
    assert law.exponent is not None
    supposed = hypothesis(law)
    assert supposed is not None
    assert supposed[0] == pytest.approx(law.exponent - 0.35)
    assert supposed[1] is False  # an exact law has no standard error
    assert hypothesis(fit([10, 100], [1.0, 2.0])) is None


def survey(make_run: MakeRun, label: str = "") -> Path:
    metrics: list[dict[str, float | str]] = [
        {"residual_gain": 1.2, "rho": 0.1},
        {"residual_gain": 0.9, "rho": 0.3},
        {"residual_gain": "nan", "rho": 0.2},
    ]
    records = [
        record(index, model=model, method="none", group=None, level=None, baseline=True,
               metrics={label + name: value for name, value in found.items()},
               artifacts=[f"artifacts/other-{index}.json", f"artifacts/table-{index}.csv", f"artifacts/{index}.json"])
        for index, (model, found) in enumerate(zip(("petri-16k", "petri-60k", "petri-250k"), metrics, strict=True))
    ]  # fmt: skip
    run = make_run(*records)
    (run / "artifacts").mkdir()
    for one, gains in zip(records, ([3.0, 1.2], [2.0, "nan", 0.9], ["inf", 1.0]), strict=True):
        other, _, own = (run / name for name in one["artifacts"])
        facts = {"trial": one["trial"], "measurement": "residual_gain"}
        own.write_text(json.dumps({**facts, "label": label.removesuffix(".") or None, "gains": gains}))
        other.write_text(json.dumps({**facts, "label": "another", "gains": [0.0, 0.0]}))
    return run


@pytest.mark.parametrize("label", ["", "first."])
def test_gains_by_layer_and_density_of_a_run(make_run: MakeRun, label: str) -> None:
    run = survey(make_run, label)
    found = by_layer(run, f"{label}residual_gain")
    assert [one.model for one in found] == ["petri-16k", "petri-60k", "petri-250k"]
    assert found[0].gains == (3.0, 1.2)
    assert found[1].gains[::2] == (2.0, 0.9)
    assert math.isnan(found[1].gains[1])
    assert found[1].depth == (0.0, 0.5, 1.0)
    assert found[2].gains[0] == math.inf
    density = head_density(analysis.table(run), f"{label}residual_gain")
    assert (density.models, density.rho, density.gain) == (("petri-16k", "petri-60k"), (0.1, 0.3), (1.2, 0.9))
    assert density.dropped == 1
    assert by_layer(run, "perplexity") == []


def test_a_file_that_is_gone_or_that_no_record_names_is_left_out(make_run: MakeRun) -> None:
    run = survey(make_run)
    (run / "artifacts" / "1.json").unlink()
    assert [one.model for one in by_layer(run, "residual_gain")] == ["petri-16k", "petri-250k"]
    nameless = make_run(record(0, method="none", group=None, level=None, baseline=True), name="nameless")
    (nameless / "artifacts").mkdir()
    (run / "artifacts" / "0.json").rename(nameless / "artifacts" / f"{0:016x}-residual_gain.json")
    assert by_layer(nameless, "residual_gain") == []


@pytest.mark.parametrize("content", ['{"measurement": "residual_gain", "label": null, "gains": 7}', "[1", "[]"])
def test_an_artifact_that_holds_something_else_is_named(make_run: MakeRun, content: str) -> None:
    run = survey(make_run)
    path = run / "artifacts" / "1.json"
    path.write_text(content)
    with pytest.raises(LesionError, match=path.name):
        by_layer(run, "residual_gain")


def test_an_artifact_outside_of_the_run_is_not_read(make_run: MakeRun) -> None:
    run = survey(make_run)
    path = run / "artifacts" / "1.json"
    path.rename(run.parent / "outside.json")
    path.symlink_to(run.parent / "outside.json")
    with pytest.raises(LesionError, match=r"1\.json cannot be read: it is a symbolic link, which is not followed$"):
        by_layer(run, "residual_gain")


def test_what_is_charted_first() -> None:
    assert analysis.headlines(["nll", "a.perplexity", "mlp_gain_last", "b.perplexity"]) == [
        "a.perplexity",
        "b.perplexity",
    ]
    assert analysis.headlines(["attention_gain_last", "mlp_gain_last", "rho"]) == [
        "attention_gain_last",
        "mlp_gain_last",
    ]
    assert analysis.headlines(["residual_gain_std", "residual_gain", "rho"]) == ["residual_gain"]
    assert analysis.headlines(["of_a_plugin", "another"]) == ["of_a_plugin"]
    assert analysis.headlines([]) == []
