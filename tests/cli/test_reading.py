"""Commands that read: results, export, chart, models, doctor, schema."""

import csv
import io
import json
import re
from pathlib import Path

from tests.cli.conftest import Lesion


def test_export_to_stdout_has_the_columns_of_the_design(lesion: Lesion, finished_run: Path) -> None:
    done = lesion("export", finished_run, "--format", "csv")
    assert done.returncode == 0
    assert done.stderr == ""
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    metrics = [
        "perplexity", "nll", "token_accuracy", "kl", "generated_tokens", "stopped_eos", "seconds_per_text",
        "distinct_1", "distinct_2", "repetition",
    ]  # fmt: skip
    assert list(rows[0]) == [
        "run", "trial", "model", "params", "method", "group", "level", "seed", "status",
        "part", "layer", "layers", "heads", "experts", "select", "score", "options", "before", "then",
        *metrics, *(f"{metric}_change_pct" for metric in metrics),
    ]  # fmt: skip
    assert len(rows) == 12
    baselines = [row for row in rows if row["method"] == "none"]
    assert [(row["model"], row["seed"], row["group"], row["level"]) for row in baselines] == [
        (model, seed, "", "") for model in ("petri-16k", "petri-60k") for seed in ("42", "43")
    ]
    assert {row["perplexity_change_pct"] for row in baselines} == {"0.0"}
    assert {row["kl_change_pct"] for row in rows} == {"nan"}


def test_export_computes_the_change_from_what_it_exports(lesion: Lesion, finished_run: Path) -> None:
    rows = json.loads(lesion("export", finished_run, "--format", "json").stdout)
    baseline = {(row["model"], row["seed"]): row["perplexity"] for row in rows if row["method"] == "none"}
    for row in rows:
        expected = 100 * row["perplexity"] / baseline[row["model"], row["seed"]] - 100
        assert abs(row["perplexity_change_pct"] - expected) < 1e-9
        assert row["level"] != 0.0 or row["perplexity_change_pct"] == 0.0  # no noise is no damage, to the last bit


def test_export_to_a_file(lesion: Lesion, scaled_run: Path, tmp_path: Path) -> None:
    done = lesion("export", scaled_run, "--format", "parquet", "-o", tmp_path / "trials.parquet")
    assert (done.returncode, done.stdout) == (0, "")
    assert "12 trials written" in done.stderr
    assert (tmp_path / "trials.parquet").read_bytes()[:4] == b"PAR1"


def test_results_as_table_and_as_json(lesion: Lesion, finished_run: Path) -> None:
    table = lesion("results", "--results", finished_run.parent)
    assert table.returncode == 0
    assert re.search(rf"{finished_run.name}\s+done\s+12/12\s+0\s+0", table.stdout)
    (run,) = json.loads(lesion("results", "--json", LESION_RESULTS=str(finished_run.parent)).stdout)
    assert run["run"] == str(finished_run)
    assert (run["name"], run["state"], run["trials"], run["ok"], run["failed"], run["oom"]) == (
        "tiny",
        "done",
        12,
        12,
        0,
        0,
    )
    assert run["models"] == ["petri-16k", "petri-60k"]


def test_results_folder_before_or_after_the_command(lesion: Lesion, finished_run: Path, tmp_path: Path) -> None:
    before = lesion("--results", finished_run.parent, "results", "--json").stdout
    assert json.loads(before)[0]["run"] == str(finished_run)
    both = lesion("--results", finished_run.parent, "results", "--json", "--results", tmp_path / "none")
    assert json.loads(both.stdout) == []


def test_no_runs_yet(lesion: Lesion, tmp_path: Path) -> None:
    done = lesion("results", "--results", tmp_path / "none")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no runs" in done.stderr


def test_a_damaged_run_does_not_hide_the_others(lesion: Lesion, scaled_run: Path) -> None:
    damaged = scaled_run.parent / "20261121-1433-damaged-0000"
    damaged.mkdir()
    (damaged / "profile.toml").write_text("name = ")
    done = lesion("results", "--results", scaled_run.parent)
    assert done.returncode == 0
    assert scaled_run.name in done.stdout
    assert re.search(rf"{damaged.name}\s+damaged", done.stdout)
    assert "profile.toml" in done.stderr


def test_charts_of_a_run(lesion: Lesion, scaled_run: Path) -> None:
    done = lesion("chart", scaled_run)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"● attn_only +-1\.0000 ± 0\.0000 +1\.0000 ", done.stdout)  # the law the run was written by
    assert "× not finite: petri-16k at 2 (1 of 1)" in done.stdout
    assert "perplexity · mult_gauss σ 1" in done.stdout  # the strongest level that every model survives
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_charts_at_a_level_of_choice(lesion: Lesion, scaled_run: Path) -> None:
    done = lesion("chart", "scaled", "--level", "2", "--results", scaled_run.parent)
    assert re.search(r"● attn_only +no fit +– +– +2 +1\n", done.stdout)
    assert "no fit: a fit needs 3 models" in done.stdout
    assert "dropped: trials not finite" in done.stdout
    refused = lesion("chart", "scaled", "--level", "3", "--results", scaled_run.parent)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "no trial at --level 3; this run has 0, 1, 2" in refused.stderr


def test_models(lesion: Lesion, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--EleutherAI--pythia-70m" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (tmp_path / "models--half--downloaded").mkdir()
    found = json.loads(lesion("models", "--json", HF_HUB_CACHE=str(tmp_path)).stdout)
    assert [model["name"] for model in found["bundled"]] == [
        f"petri-{size}" for size in ("4k", "16k", "60k", "250k", "1m")
    ]
    assert {"neox", "gpt2", "llama"} <= {kind["name"] for kind in found["architectures"]}
    assert found["cached"] == ["EleutherAI/pythia-70m"]
    assert "petri-1m" in lesion("models").stdout


def test_doctor(lesion: Lesion, tmp_path: Path) -> None:
    found = json.loads(lesion("doctor", "--json", "--results", tmp_path / "new").stdout)
    assert found["packages"]["torch"]
    assert found["memory"]["total"] >= found["memory"]["available"] > 0
    assert found["results"] == {**found["results"], "exists": False, "writable": True, "locks": True, "fault": None}
    assert list(tmp_path.iterdir()) == []  # it leaves nothing behind
    file = tmp_path / "file"
    file.touch()
    assert json.loads(lesion("doctor", "--json", "--results", file).stdout)["results"]["writable"] is False
    assert "cannot be written" in lesion("doctor", "--results", file).stdout


def test_schema_is_the_shipped_one(lesion: Lesion) -> None:
    from tests.cli.conftest import ROOT

    assert json.loads(lesion("schema").stdout) == json.loads((ROOT / "profiles" / "schema.json").read_text())
