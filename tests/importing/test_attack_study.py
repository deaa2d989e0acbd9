"""The attack study's run folders become runs whose figures are those published, under names that say what they are."""

import json
from pathlib import Path
from statistics import mean, stdev

import pytest
from scipy.stats import f_oneway, ttest_ind

from engine import analysis, runs
from engine.errors import LesionError
from engine.runs.importing import bring_in
from tests.importing import study


def reductions(run: Path) -> dict[str, list[float]]:
    """The published rank reductions of a run, with their signs, by the optimiser of the trial."""
    found: dict[str, list[float]] = {}
    for row in analysis.rows(run):
        if row["method"] == "catalyst":
            kind = "sgd" if "optimiser=sgd" in row["options"] else "adamw"
            found.setdefault(kind, []).append(row["rank_reduction_pct"])
    return found


def test_the_published_figures_of_the_optimisers_come_out(tmp_path: Path) -> None:
    [made] = bring_in([study.mechanism(tmp_path)], tmp_path / "results").runs
    lost = reductions(made.run)
    absolute = {kind: [abs(one) for one in values] for kind, values in lost.items()}
    assert (round(mean(absolute["adamw"]), 4), round(stdev(absolute["adamw"]), 4)) == (6.14, 5.467)
    assert (round(mean(absolute["sgd"]), 4), round(stdev(absolute["sgd"]), 4)) == (2.3733, 2.5112)
    test = ttest_ind(lost["adamw"], lost["sgd"])
    assert test.statistic == pytest.approx(-0.9484188880545299, rel=1e-12)
    assert test.pvalue == pytest.approx(0.3966208715181173, rel=1e-12)


def test_the_published_figures_of_storage_come_out(tmp_path: Path) -> None:
    made = bring_in([study.shield(tmp_path)], tmp_path / "results").runs
    assert len(made) == 3, "a run a way of storing, as one run of Lesion has one"
    lost = {}
    for one in made:
        model = runs.read_profile(one.run).model
        [values] = reductions(one.run).values()
        lost[model.load_in if model.load_in != "none" else model.dtype] = values
    means = {kind: mean(map(abs, values)) for kind, values in lost.items()}
    assert {kind: round(value, 4) for kind, value in means.items()} == {
        "float16": 6.4533,
        "8bit": 0.4633,
        "4bit": 3.5167,
    }
    test = f_oneway(lost["float16"], lost["8bit"], lost["4bit"])
    assert test.statistic == pytest.approx(17.242909971647656, rel=1e-12)


def test_metrics_bear_names_of_their_own_and_say_what_they_are(tmp_path: Path) -> None:
    [made] = bring_in([study.mechanism(tmp_path)], tmp_path / "results").runs
    names = analysis.metric_names(analysis.rows(made.run))
    assert "published_perplexity" in names
    assert {"perplexity", "effective_rank"}.isdisjoint(names)
    imported = runs.read_manifest(made.run)["imported"]
    assert imported["format"] == "attack-study"
    assert "shifted twice" in imported["metrics"]["published_perplexity"]
    assert "with its sign" in imported["metrics"]["rank_reduction_pct"]


def test_a_baseline_that_two_runs_share_stands_once(tmp_path: Path) -> None:
    [made] = bring_in([study.mechanism(tmp_path)], tmp_path / "results").runs
    records = runs.read_trials(made.run)
    assert [record.seed for record in records if record.baseline] == [1, 2, 3]
    assert len(records) == 9
    attacked = next(record for record in records if not record.baseline)
    assert attacked.change_pct is not None
    change = attacked.change_pct["published_perplexity"]
    assert change == pytest.approx((55918.441707909056 / 5206.920241275732 - 1) * 100)
    assert attacked.imported == "raw_data/pythia_410m_pythia-410m_run01_fp16"
    assert attacked.parameters == 405_334_016


def test_baselines_that_differ_make_runs_of_their_own(tmp_path: Path) -> None:
    root = study.mechanism(tmp_path)
    folder = root / "raw_data" / "pythia_410m_pythia-410m_run02_fp16_sgd"
    (folder / "metrics.jsonl").write_text(study.lines(2.4202, before=2.5))
    made = bring_in([root], tmp_path / "results").runs
    assert [one.trials for one in made] == [8, 2]


def test_all_that_the_files_hold_is_kept(tmp_path: Path) -> None:
    root = study.mechanism(tmp_path)
    [made] = bring_in([root], tmp_path / "results").runs
    summary = made.run / "artifacts" / "source" / "mechanism_summary.csv"
    assert summary.read_bytes() == (root / "mechanism_summary.csv").read_bytes()
    assert any("mechanism_summary.csv" in note for note in made.notes)
    record = next(record for record in runs.read_trials(made.run) if record.artifacts)
    [name] = record.artifacts or ()
    held = json.loads((made.run / name).read_text())["lines"]
    folder = root / record.imported if record.imported else root
    assert held == [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_healing_is_a_trial_a_look(tmp_path: Path) -> None:
    [made] = bring_in([study.healing(tmp_path)], tmp_path / "results").runs
    records = runs.read_trials(made.run)
    assert [(record.method, record.level) for record in records] == [
        ("none", None),
        ("heal", 0.0),
        ("heal", 10.0),
        ("heal", 20.0),
    ]
    assert records[0].metrics["published_perplexity"] == 6391.334123672747
    assert records[-1].metrics["published_effective_rank"] == 1.6839945316314697
    assert [stage.method for stage in records[1].before or ()] == ["catalyst"]
    assert runs.read_profile(made.run).damage[0].options["learning_rate"] == 1e-05


def test_a_run_by_itself_has_no_reduction_and_says_so(tmp_path: Path) -> None:
    folder = study.mechanism(tmp_path) / "raw_data" / "pythia_410m_pythia-410m_run01_fp16"
    [made] = bring_in([folder], tmp_path / "results").runs
    assert made.trials == 2
    assert "rank_reduction_pct" not in analysis.metric_names(analysis.rows(made.run))
    assert any("1 runs have no rank_reduction_pct" in note for note in made.notes)


def test_a_summary_by_itself_is_no_run(tmp_path: Path) -> None:
    root = study.mechanism(tmp_path)
    with pytest.raises(LesionError, match="holds means over runs and no run"):
        bring_in([root / "mechanism_summary.csv"], tmp_path / "results")
    with pytest.raises(LesionError, match="import the folder that holds both"):
        bring_in([next(root.glob("raw_data/*.csv"))], tmp_path / "results")
    assert not (tmp_path / "results").exists()
