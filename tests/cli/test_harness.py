"""lm-evaluation-harness from the command line to the replay, in a run of its own."""

import json
import subprocess
from pathlib import Path

import pytest

from engine import profile, runs
from tests.cli.conftest import ROOT, Lesion
from tests.harness_tasks import write_task

pytest.importorskip("lm_eval", reason="lm-evaluation-harness, the extra lesion-lab[tasks], is not installed")

PROFILE = """
name = "harnessed"

[model]
names = ["petri-60k"]
device = "cpu"

[[damage]]
method = "mult_gauss"
groups = ["mlp_only"]
levels = [1.0]

[[measure]]
name = "lm_eval"
tasks = ["petri_world"]
include_path = "own"
num_fewshot = 0

[[measure]]
name = "tasks"
task = "petri"

[run]
threads = 1
"""


def test_tasks_from_profile_to_replay(lesion: Lesion, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    write_task(tmp_path / "own")
    (tmp_path / "harnessed.toml").write_text(PROFILE)
    before = _files()
    done = lesion("run", tmp_path / "harnessed.toml", "--results", tmp_path / "results", "--json")
    assert done.returncode == 0, done.stderr
    run = Path(json.loads(done.stdout)["run"])
    for record in runs.read_trials(run):
        assert record.metrics["petri_world_acc"] == pytest.approx(record.metrics["accuracy"])
    (tmp_path / "own" / "questions.jsonl").unlink()
    replayed = lesion("replay", run, "--verify", "--results", tmp_path / "results")
    assert replayed.returncode == 0, replayed.stderr
    assert _files() == before
    assert "it/s" not in (run / "worker.log").read_text()


def _files() -> set[str]:
    """What lies where the command was run."""
    return {path.name for path in ROOT.iterdir()}


def test_code_of_tasks_runs_where_it_is_allowed_only(lesion: Lesion, tmp_path: Path) -> None:
    folder, results, mark = tmp_path / "own", tmp_path / "results", tmp_path / "ran"
    folder.mkdir()
    write_task(folder)
    (folder / "own.py").write_text(f"open({str(mark)!r}, 'w').close()\n\ndef same(data):\n    return data\n")
    with (folder / "task.yaml").open("a") as file:
        file.write("process_docs: !function own.same\n")
    source = tmp_path / "harnessed.toml"
    source.write_text(PROFILE)
    for command in (("run", source, "--results", results), ("plan", source)):
        _refused(lesion(*command))
    assert not results.exists() or not list(results.iterdir())
    # A run that somebody else has made is no permission, whatever its manifest says.
    run = runs.create(profile.load(source), results, source=source, trust_remote_code=True)
    for command in (("resume", run), ("replay", run)):
        _refused(lesion(*command, "--results", results))
    assert not mark.exists()
    done = lesion("resume", run, "--results", results, "--trust-remote-code", "--quiet")
    assert done.returncode == 0, done.stderr
    assert mark.exists()


def _refused(ended: subprocess.CompletedProcess[str]) -> None:
    assert ended.returncode == 2, ended.stderr
    assert "brings program code of its own (own.py), which runs only with --trust-remote-code" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
