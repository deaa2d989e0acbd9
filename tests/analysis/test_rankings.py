"""Critical weights of a run written by hand: overlaps, places and score against damage, each counted by hand."""

import json
import math
from pathlib import Path

import pytest
import scipy.stats

from engine.analysis.reports import report
from engine.analysis.reports.page import markdown
from engine.analysis.reports.rankings import Critical
from engine.errors import LesionError
from engine.profile import Analysis
from tests.analysis.conftest import MakeRun, record

FIRST = [
    ("model.layers.0.mlp.up.weight", "(0, 1)", 8.0),
    ("model.layers.0.mlp.up.weight", "(0, 2)", 4.0),
    ("model.layers.1.attn.q.weight", "(3, 3)", 2.0),
    ("model.embed.weight", "(7, 0)", 1.0),
]
SECOND = [FIRST[0], ("model.layers.1.attn.q.weight", "(9, 9)", 5.0), FIRST[1], FIRST[3]]
WEIGHTS = {"model.layers.0.mlp.up.weight": 30, "model.layers.1.attn.q.weight": 30, "model.embed.weight": 40}
DAMAGE = {1: 12.0, 2: 20.0, 3: 18.0, 4: 30.0}
"""Perplexity by how many of the best weights are masked."""


@pytest.fixture
def ranked(make_run: MakeRun) -> Path:
    """A model with two rankings of four weights, and trials that mask the best by the first."""
    baseline = record(0, baseline=True, metrics={"perplexity": 10.0}, artifacts=["artifacts/b.json", *sheets()])
    trials = [
        record(
            number,
            method="mask",
            group="all",
            level=count / 4,
            touched=count,
            select={"by": "top_k", "k": 4, "score": "first"},
            metrics={"perplexity": perplexity},
        )
        for number, (count, perplexity) in enumerate(DAMAGE.items(), start=1)
    ]
    run = make_run(baseline, *trials)
    (run / "artifacts").mkdir()
    parameters = [{"parameter": name, "weights": count} for name, count in WEIGHTS.items()]
    scores = {name: {"by_k": [{"k": 2}, {"k": 4}], "parameters": parameters} for name in ("first", "second")}
    content = {"trial": f"{0:016x}", "measurement": "ranking", "label": None, "group": "all", "scores": scores}
    (run / "artifacts" / "b.json").write_text(json.dumps(content))
    for name, entries in (("first", FIRST), ("second", SECOND)):
        lines = [f'{rank},{place},"{index}",{score}' for rank, (place, index, score) in enumerate(entries, start=1)]
        (run / sheets()[name == "second"]).write_text("\n".join(["rank,parameter,indices,score", *lines]) + "\n")
    overlaps = ["between,first,second,k,jaccard", "samples,first sample 0,first sample 1,2,0.5"]
    overlaps += ["samples,first sample 0,first sample 2,2,0.25", "scores,first,second,2,0.9"]
    (run / sheets()[2]).write_text("\n".join(overlaps) + "\n")
    return run


def sheets() -> list[str]:
    return [f"artifacts/{0:016x}-ranking-{name}.csv" for name in ("first", "second", "overlap")]


def critical_of(run: Path) -> Critical:
    found = report([run], Analysis(metrics=("perplexity",))).critical
    assert found is not None
    return found


def test_overlaps_of_scores_samples_and_chance(ranked: Path) -> None:
    found = {(one.between, one.what, one.k): one for one in critical_of(ranked).overlaps}
    assert found["scores", "first, second", 2].jaccard == pytest.approx(1 / 3)  # one of three different weights
    assert found["scores", "first, second", 4].jaccard == pytest.approx(3 / 5)
    samples = found["samples", "first", 2]
    assert samples.jaccard == pytest.approx(0.375)
    assert samples.pairs == 2
    assert samples.chance == pytest.approx(2 / (2 * 100 - 2))


def test_places_by_layer_and_by_part(ranked: Path) -> None:
    places = critical_of(ranked).places[0]
    assert [(one.place, one.listed, one.share, one.of_all) for one in places.layers] == [
        ("0", 2, 0.5, 0.3),
        ("1", 1, 0.25, 0.3),
        ("outside", 1, 0.25, 0.4),
    ]
    assert {one.place: (one.listed, one.of_all) for one in places.parts} == {
        "mlp.up.weight": (2, 0.3),
        "attn.q.weight": (1, 0.3),
        "embed.weight": (1, 0.4),
    }


def test_scores_against_damage(ranked: Path) -> None:
    [found] = critical_of(ranked).predicted
    sums, damage = [8.0, 12.0, 14.0, 15.0], [math.log10(value) for value in DAMAGE.values()]
    assert found.score == "first"
    assert found.pearson.r == pytest.approx(scipy.stats.pearsonr(sums, damage).statistic)
    assert found.spearman.r == pytest.approx(0.8)  # one pair of four changes places


def test_the_page_tells_all_of_it(ranked: Path) -> None:
    page = " ".join(markdown(report([ranked])).split())
    for said in ("How far rankings agree", "Where they lie: first in petri-16k", "Does the score tell the damage?"):
        assert said in page


@pytest.mark.parametrize(
    ("file", "content"),
    [("b.json", "{"), (f"{0:016x}-ranking-first.csv", "rank,parameter,indices,score\nx,y,z,w\n")],
)
def test_a_damaged_artifact_is_one_sentence(ranked: Path, file: str, content: str) -> None:
    (ranked / "artifacts" / file).write_text(content)
    with pytest.raises(LesionError, match="ranking") as refused:
        report([ranked])
    assert len(str(refused.value).splitlines()) == 1


def test_artifacts_that_are_gone_are_no_rankings(ranked: Path) -> None:
    for path in (ranked / "artifacts").iterdir():
        path.unlink()
    assert report([ranked]).critical is None


def test_choices_are_those_of_the_profile(ranked: Path) -> None:
    profile = """
name = "x"
[model]
names = ["petri-16k"]
[[damage]]
method = "none"
[[measure]]
name = "perplexity"
[analysis]
absolute = true
confidence = 0.9
"""
    (ranked / "profile.toml").write_text(profile)
    assert (report([ranked]).choices.absolute, report([ranked]).choices.confidence) == (True, 0.9)
