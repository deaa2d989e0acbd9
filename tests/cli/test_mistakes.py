"""Every mistake a user can make: one sentence on stderr, exit status 2, no traceback, nothing on stdout."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Lesion, WriteProfile


def refused(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert lines
    assert all(line.startswith("lesion: ") for line in lines), done.stderr
    for part in parts:
        assert part in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("count = 2", "cuont = 2", ["small.toml", "seeds.cuont", "did you mean 'count'"]),
        ("count = 2", "count = 'two'", ["small.toml", "seeds.count", "whole number"]),
        ("count = 2", "count = 0", ["seeds.count", "1"]),
        ("mult_gauss", "mult_gaus", ["damage.0.method", "did you mean 'mult_gauss'"]),
        ("attn_only", "atn_only", ["damage.0.groups", "did you mean 'attn_only'"]),
        ("petri-16k", "petri-17k", ["model.names", "did you mean 'petri-16k'"]),
        ("perplexity", "perplexty", ["measure.0", "did you mean 'perplexity'"]),
        ("[0.5]", "[-0.5]", ["damage.0.levels", "-0.5", "from 0 to 100"]),
        ("[0.5]", "[nan]", ["damage.0.levels", "nan"]),
        ("documents = 2", "text = 'missing.txt'", ["measure.0.text", "missing.txt"]),
        ("petri-16k", "./no/such/folder", ["model.names", "no/such/folder"]),
        ("count = 2", "count = ", ["small.toml", "line"]),
        ("name = \"small\"", "extends = 'absent.toml'", ["small.toml", "extends", "absent.toml"]),
    ],
)  # fmt: skip
def test_a_wrong_profile(
    lesion: Lesion, profile: WriteProfile, tmp_path: Path, old: str, new: str, parts: list[str]
) -> None:
    results = tmp_path / "results"
    refused(lesion("run", profile(old, new), "--results", results), *parts)
    assert not results.exists()


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("seeds.cuont=3", ["seeds.cuont", "did you mean 'count'"]),
        ("seeds.count=abc", ["seeds.count", "abc"]),
        ("seeds.count", ["seeds.count"]),
        ("damage.7.levels=[0]", ["damage.7"]),
    ],
)
def test_a_wrong_override(
    lesion: Lesion, profile: WriteProfile, tmp_path: Path, override: str, parts: list[str]
) -> None:
    refused(lesion("run", profile(), "--set", override, "--results", tmp_path / "results"), *parts)


def test_a_wrong_line_of_ones_own_prompts(lesion: Lesion, profile: WriteProfile, tmp_path: Path) -> None:
    """The file itself is named, not the copy of it that a run would have had."""
    prompts = tmp_path / "own.jsonl"
    prompts.write_text('{"prompt": "a"}\n{"prompt": "\\ud800"}\n')
    path = profile("documents = 2", f"documents = 2\n\n[[measure]]\nname = 'generation'\nprompts = '{prompts}'")
    results = tmp_path / "results"
    refused(lesion("run", path, "--results", results), f"'{prompts}', line 2, holds half a character")
    assert not results.exists()


def test_a_model_of_the_hub_that_cannot_be_had(lesion: Lesion, profile: WriteProfile, tmp_path: Path) -> None:
    results = tmp_path / "results"
    path = profile("petri-16k", "no-such-org/no-such-model")
    done = lesion("run", path, "--quiet", "--results", results, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path))
    refused(done, "no-such-org/no-such-model is not in the cache of this host", "cannot be reached")
    assert len(done.stderr.splitlines()) == 1
    assert not results.exists()


def test_a_profile_that_is_not_there(lesion: Lesion, tmp_path: Path) -> None:
    refused(lesion("run", "demmo"), "demmo", "./profiles", "did you mean 'demo'")
    refused(lesion("plan", tmp_path / "missing.toml"), "missing.toml")
    refused(lesion("run", tmp_path), "is a folder")


@pytest.mark.parametrize(
    "arguments",
    [
        ["results"],
        ["export", "x"],
        ["chart", "x"],
        ["resume", "x"],
        ["attach", "x"],
        ["stop", "x"],
        ["replay", "x"],
        ["run", "demo"],
    ],
)
def test_a_results_folder_that_is_a_file(lesion: Lesion, tmp_path: Path, arguments: list[str]) -> None:
    file = tmp_path / "results"
    file.write_text("not a folder")
    refused(lesion(*arguments, "--results", file), str(file), "give a folder")


def test_a_run_that_is_not_there(lesion: Lesion, scaled_run: Path) -> None:
    refused(lesion("export", "nothing", "--results", scaled_run.parent), "nothing", scaled_run.name)
    refused(lesion("stop", "scaled", "--results", scaled_run.parent), "not running")


def test_a_corrupt_journal_line_is_named(lesion: Lesion, scaled_run: Path) -> None:
    journal = scaled_run / "trials.jsonl"
    lines = journal.read_text().splitlines()
    lines[4] = lines[4][:30]
    journal.write_text("\n".join(lines) + "\n")
    for command in ("export", "chart"):
        refused(lesion(command, scaled_run), "trials.jsonl", "line 5")


def test_wrong_choices(lesion: Lesion, scaled_run: Path, tmp_path: Path) -> None:
    refused(lesion("export", scaled_run, "--format", "excel"), "unknown format 'excel'", "csv, json, parquet")
    refused(lesion("export", scaled_run, "-o", tmp_path / "no" / "file.csv"), "file.csv")
    refused(lesion("chart", scaled_run, "--metric", "perplexty"), "did you mean 'perplexity'")
    refused(lesion("run", "demo", "--json", "--charts"), "--json and --charts")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["frobnicate"], "no such command 'frobnicate'"),
        (["run"], "missing argument 'PROFILE'; see lesion run --help"),
        (["run", "demo", "--bogus"], "no such option: --bogus"),
        (["chart", "x", "--level", "high"], "valid number"),
    ],
)
def test_a_wrong_command_line(lesion: Lesion, arguments: list[str], part: str) -> None:
    refused(lesion(*arguments), part)


@pytest.mark.parametrize("arguments", [[], ["open"]])
def test_the_console_needs_a_terminal(lesion: Lesion, arguments: list[str]) -> None:
    refused(lesion(*arguments), "needs a terminal")


def test_a_fault_of_our_own_is_one_sentence_and_keeps_its_traceback(
    lesion: Lesion, scaled_run: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "pandas.py").write_text("{}['index']")  # a package that fails when it is imported
    done = lesion("export", scaled_run, "--format", "parquet", TMPDIR=str(tmp_path), PYTHONPATH=str(broken))
    assert done.returncode == 70
    (line,) = done.stderr.splitlines()
    assert line.startswith("lesion: a fault in Lesion itself (KeyError: 'index'); the traceback is in ")
    (file,) = tmp_path.glob("lesion-fault-*.txt")
    assert line.endswith(str(file))
    assert "Traceback" in file.read_text()


def test_a_folder_of_profiles_is_answered_with_what_is_in_it(lesion: Lesion) -> None:
    refused(lesion("run", "mlp-gain"), "'mlp-gain' is a folder", "mlp-gain/full, mlp-gain/petri")
    refused(lesion("plan", "profiles/mlp-gain"), "is a folder", "profiles/mlp-gain/petri.toml")
    refused(
        lesion("run", "petri"), "critical-weights/petri, degradation/petri, mlp-gain/petri", "give one of those names"
    )
