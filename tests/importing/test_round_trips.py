"""What is exported in another program's shape and imported again is what it was: a run of ours in every shape, and the
files of every study."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import profile, runs
from engine.analysis.gains import by_layer
from engine.analysis.shapes import FOLDERS, SHAPES, shaped, write_shaped
from engine.errors import LesionError
from engine.record.trials import TrialRecord
from engine.runs.importing import bring_in
from tests.importing import study, test_critical_weights, test_degradation, test_surveys

PROFILE = """
name = "everything"

[model]
names = ["petri-4k"]
dtype = "float32"
device = "cpu"

[[damage]]
method = "mult_gauss"
groups = ["attn_only"]
layers = [0]
levels = [0.5]

[[damage]]
method = "mask"
groups = ["matrices"]
levels = [0.5, 1.0]
select = { by = "top_k", k = 4, score = "magnitude" }

[[damage]]
method = "catalyst"
groups = ["all"]
levels = [1, 2]
options = { directions = 1, iterations = 2, search_steps = 1, length = 8, watch_every = 0 }

[[measure]]
name = "perplexity"
documents = 2

[[measure]]
name = "generation"
limit = 2
max_new_tokens = 4

[[measure]]
name = "gains"
limit = 2

[[measure]]
name = "residual_gain"
limit = 2

[[measure]]
name = "spectrum"
documents = 2

[[measure]]
name = "ranking"
scores = ["magnitude"]
group = "matrices"
k = 5
samples = 1

[run]
threads = 1
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of ours that has something for every shape."""
    source = tmp_path_factory.mktemp("profiles") / "everything.toml"
    source.write_text(PROFILE)
    run = runs.create(profile.load(source), tmp_path_factory.mktemp("own"), source=source)
    runs.start(run).wait()
    assert runs.status(run).ok == 6, (run / "worker.log").read_text()
    return run


def exported(run: Path, name: str, folder: Path) -> Path:
    """A path that holds the run in this shape."""
    folder.mkdir()
    if name in FOLDERS:
        write_shaped(run, name, folder / "out")
        return folder / "out"
    [(file, content)] = shaped(run, name).files.items()
    (folder / file).write_bytes(content)
    return folder / file


def plain(record: TrialRecord) -> dict[str, Any]:
    """A record without what an import does not keep: its place in the grid, its files, where it comes from."""
    return replace(record, index=0, artifacts=None, imported=None, change_pct=None).encode()


KEPT = {
    "degradation-json": {"none", "mult_gauss", "mask", "catalyst"},
    "ranked-csv": {"none", "mask"},
    "perturbation-csv": {"none", "mask"},
    "survey-json": {"none"},
    "attack-study": {"none", "catalyst"},
}
"""The methods whose trials each shape holds."""


@pytest.mark.parametrize("name", SHAPES)
def test_a_run_of_ours_comes_back_from_every_shape(name: str, own: Path, tmp_path: Path) -> None:
    path = exported(own, name, tmp_path / "out")
    [made] = bring_in([path], tmp_path / "results").runs
    before = {record.trial: plain(record) for record in runs.read_trials(own) if record.method in KEPT[name]}
    after = {record.trial: plain(record) for record in runs.read_trials(made.run)}
    assert after == before
    assert all(record.imported for record in runs.read_trials(made.run))
    assert all("perplexity" in record["metrics"] for record in after.values()), "our own definition keeps its name"
    again = exported(made.run, name, tmp_path / "again")
    contents = [
        sorted((file.name, file.read_bytes()) for file in one.rglob("*") if file.is_file()) for one in (path, again)
    ]
    if name != "degradation-json":
        assert contents[0] == contents[1]


def held(path: Path) -> dict[str, bytes]:
    """The content of all files, by their last names."""
    return {file.name: file.read_bytes() for file in (path, *path.rglob("*")) if file.is_file()}


def test_texts_of_ours_come_back(own: Path, tmp_path: Path) -> None:
    path = exported(own, "degradation-json", tmp_path / "out")
    [made] = bring_in([path], tmp_path / "results").runs
    before, after = ([text.encode() for text in runs.read_generations(run)] for run in (own, made.run))
    assert sorted(map(json.dumps, map(sort, before))) == sorted(map(json.dumps, map(sort, after)))
    held = json.loads(path.read_text())
    assert test_degradation.record().keys() <= held[0].keys(), "every key of the study's last version is there"
    assert {"std_dev", "level_value", "tokens", "force_run", "usar_4bit", "usar_data_parallel"} <= held[0].keys()


def sort(text: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(text.items()))


def test_artifacts_of_ours_come_back(own: Path, tmp_path: Path) -> None:
    [survey] = bring_in([exported(own, "survey-json", tmp_path / "a")], tmp_path / "results").runs
    for metric in ("mlp_gain_last", "attention_gain_last", "residual_gain"):
        assert [one.gains for one in by_layer(survey.run, metric)] == [one.gains for one in by_layer(own, metric)]
    [ranked] = bring_in([exported(own, "ranked-csv", tmp_path / "b")], tmp_path / "results").runs
    for ending in ("-ranking-magnitude.csv", "-ranking.json"):
        [before], [after] = (list((run / "artifacts").glob(f"*{ending}")) for run in (own, ranked.run))
        same = (
            (after.read_bytes() == before.read_bytes()) if ending.endswith("csv") else json_of(after) == json_of(before)
        )
        assert same


def json_of(path: Path) -> Any:
    return json.loads(path.read_text())


def test_shapes_hold_what_the_programs_read(own: Path, tmp_path: Path) -> None:
    folder = exported(own, "attack-study", tmp_path / "a")
    name = "petri_4k_petri-4k_run01_fp32"
    config = json_of(folder / name / "config.json")
    assert (config["model"]["hf_model_id"], config["attack"]["num_steps"]) == ("petri-4k", 2)
    lines = [json.loads(line) for line in (folder / name / "metrics.jsonl").read_text().splitlines()]
    records = {record.level: record for record in runs.read_trials(own) if record.method in ("none", "catalyst")}
    assert lines[0]["baseline_perplexity"] == records[None].metrics["perplexity"]
    assert lines[-1]["post_attack_effective_rank"] == records[2].metrics["effective_rank"]
    [row] = csv.DictReader((folder / "aggregate_summary_petri_4k_petri-4k_fp32.csv").read_text().splitlines())
    before, after = (records[level].metrics["effective_rank"] for level in (None, 2))
    assert float(row["rank_reduction_pct"]) == pytest.approx((1 - after / before) * 100)
    rows = list(csv.DictReader(exported(own, "perturbation-csv", tmp_path / "b").read_text().splitlines()))
    assert [(row["metric"], row["topk"], row["mask_ratio"], row["weights_masked"]) for row in rows] == [
        ("magnitude", "4", "0.5", "2"),
        ("magnitude", "4", "1.0", "4"),
    ]
    assert float(rows[0]["ppl_increase"]) == float(rows[0]["perturbed_ppl"]) - float(rows[0]["baseline_ppl"])


def test_lists_of_texts_come_back_as_they_were(tmp_path: Path) -> None:
    later = test_degradation.record(prompt_id=3, prompt_text="Share a dream.")  # of the first trial, after the others
    records = [*test_degradation.RECORDS, later]
    [made] = bring_in([test_degradation.write(tmp_path, records)], tmp_path / "results").runs
    [content] = shaped(made.run, "degradation-json").files.values()
    assert json.loads(content) == records


def test_files_of_the_other_studies_come_back_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps(test_surveys.FFN))
    paths = {
        "attack-study": study.mechanism(tmp_path),
        "ranked-csv": test_critical_weights.analysed(tmp_path / "critical"),
        "survey-json": tmp_path / "s.json",
    }
    for name, path in paths.items():
        [made] = bring_in([path], tmp_path / "results").runs
        back = exported(made.run, name, tmp_path / name)
        if path.is_file():
            assert back.read_bytes() == path.read_bytes()
            continue
        held = {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()}
        assert {file.relative_to(back): file.read_bytes() for file in back.rglob("*") if file.is_file()} == held
    critical = next(run for run in (tmp_path / "results").iterdir() if "critical" in run.name)
    [content] = shaped(critical, "perturbation-csv").files.values()
    rows = list(csv.DictReader(content.decode().splitlines()))
    theirs = list(csv.DictReader(test_critical_weights.PERTURBED.splitlines()))
    assert [{key: number(value) for key, value in row.items()} for row in rows] == [
        {key: number(value) for key, value in row.items()} for row in theirs
    ]


def number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


@pytest.mark.parametrize("name", SHAPES)
def test_a_run_without_what_a_shape_is_of_is_a_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps(test_surveys.FFN))
    source = tmp_path / "s.json" if name != "survey-json" else study.mechanism(tmp_path)
    [made] = bring_in([source], tmp_path / "results").runs
    with pytest.raises(LesionError, match=r"has no (trial|ranking|gains|generated)"):
        shaped(made.run, name)


def test_a_changed_record_is_noticed(own: Path, tmp_path: Path) -> None:
    path = exported(own, "degradation-json", tmp_path / "out")
    path.write_text(path.read_text().replace('"degradation_method": "mult_gauss"', '"degradation_method": "ablation"'))
    with pytest.raises(LesionError, match="of another trial than its 'lesion' says"):
        bring_in([path], tmp_path / "results")


def test_the_command_writes_files_and_folders(own: Path, tmp_path: Path) -> None:
    def export(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "app.cli", "export", str(own), *words]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    assert len(json.loads(export("-f", "degradation-json").stdout)) == 12
    done = export("-f", "attack-study")
    assert (done.returncode, "is a folder of files: give a new one with -o" in done.stderr) == (2, True)
    done = export("-f", "attack-study", "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "2 entries written" in done.stderr
    done = export("-f", "ranked-csv", "-o", str(tmp_path / "out"))
    assert (done.returncode, "is not empty" in done.stderr) == (2, True)
    done = export("-f", "parket")
    assert (done.returncode, "did you mean 'parquet'" in done.stderr) == (2, True)
