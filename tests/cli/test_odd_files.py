"""A run directory from a stranger: any of its files may be a link, a pipe, a folder, a socket. No command hangs on it,
none overwrites what lies outside, and what is wrong is one sentence."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

import pytest

from engine.record.events import StartEvent
from engine.runs import create, read_trials, status
from engine.runs.journal import Journal
from tests.cli.conftest import ROOT
from tests.runs.conftest import fill, small_profile
from tests.test_files import ODD, dangling, device, link, pipe

NAMES = [
    *("profile.toml", "manifest.json", "trials.jsonl", "generations.jsonl", "events.jsonl"),
    *("artifacts", "inputs", "inputs/prompts.txt", "worker.log", "runner.log", "lock", "lock.1", "stop"),
    *(".reserve", ".cache", ".table", ".manifest.json.new", ".events.jsonl.new"),
]
READ = ["profile.toml", "trials.jsonl", "events.jsonl"]
"""What a list of runs needs of each."""
WRITTEN = ["manifest.json", "trials.jsonl", "generations.jsonl", "events.jsonl", "runner.log", "lock.1"]
"""What a runner needs."""

Answers = list[tuple[int | None, str, str]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that stopped after two of seven trials, with prompts of its own."""
    home = tmp_path_factory.mktemp("template")
    (home / "prompts.txt").write_text("hello\nworld\n")
    measure = [
        {"name": "perplexity", "documents": 2},
        {"name": "generation", "prompts": str(home / "prompts.txt"), "max_new_tokens": 4},
        {"name": "gains"},
    ]
    profile = small_profile(model={"names": ["petri-4k"], "device": "cpu"}, measure=measure)
    run = create(profile, home / "results", source=None)
    journal = Journal(run)
    journal.note(StartEvent(event="started", total=7, pid=1, host="here"))
    journal.close()
    fill(run, 2)
    journal = Journal(run)
    journal.end("stopped", "", 5.0)
    journal.close()
    for path in run.rglob("*"):
        os.utime(path, (1e9, 1e9))  # long enough ago for a cache
    return run


@pytest.fixture
def strange(tmp_path: Path, template: Path) -> Callable[[str, Callable[[Path], None]], Path]:
    """Make a run directory in which something odd bears the name of a file."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "outside").write_text("precious")
    count = iter(range(10_000))

    def make(name: str, odd: Callable[[Path], None]) -> Path:
        run = tmp_path / "results" / f"20260101-1000-{next(count):04}-{odd.__name__}"
        shutil.copytree(template, run)
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if path.parent != run and odd in (link, dangling):
            path.symlink_to(run.parent / "outside")
        else:
            odd(path)
        return run

    return make


def commands(lists: Sequence[Sequence[str | Path]]) -> Answers:
    """Each list of arguments given to the command; checks that none hangs or fails in a way of its own."""
    asked = json.dumps([[str(argument) for argument in arguments] for arguments in lists])
    many = [sys.executable, "-m", "tests.cli.many"]
    done = subprocess.run(many, cwd=ROOT, input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = [(code, out, err) for code, out, err in json.loads(done.stdout)]
    for arguments, (code, _, err) in zip(lists, answers, strict=True):
        assert code in (0, 1, 2, 130), (arguments, code, err)
        assert "Traceback" not in err
    return answers


def untouched(results: Path) -> None:
    assert (results / "outside").read_text() == "precious"
    assert not (results / "nothing").exists()


def test_a_list_of_runs_of_which_most_are_odd(
    strange: Callable[[str, Callable[[Path], None]], Path], tmp_path: Path, template: Path
) -> None:
    runs = {strange(name, odd): (name, odd) for name in NAMES for odd in ODD}
    good = Path(shutil.copytree(template, tmp_path / "results" / "20260101-1000-good"))
    [(code, out, err)] = commands([["results", "--json", "--results", tmp_path / "results"]])
    assert code == 0
    assert {Path(line["run"]).name for line in json.loads(out)} == {run.name for run in [*runs, good]}
    for run, (name, odd) in runs.items():
        if name in READ:
            [line] = [line for line in err.splitlines() if run.name in line]
            assert line.endswith(f"{name} cannot be read: {ODD[odd]}")
        else:
            assert run.name not in err
    untouched(tmp_path / "results")


def test_commands_that_look_at_a_run(strange: Callable[[str, Callable[[Path], None]], Path], tmp_path: Path) -> None:
    """Each on what it reads, and in turn on the rest."""
    turn = cycle(("export", "chart", "attach", "stop", "export"))
    kinds = cycle(ODD)
    asked: list[list[str | Path]] = [[next(turn), strange(name, next(kinds))] for name in NAMES * 2]
    asked += [[command, strange("trials.jsonl", odd)] for odd in (link, pipe) for command in ("export", "chart")]
    answers = commands(asked)
    for (_, run), (code, _, err) in zip(asked[-4:], answers[-4:], strict=True):
        assert code == 2
        assert err == f"lesion: {run}/trials.jsonl cannot be read: {ODD[link if '-link' in str(run) else pipe]}\n"
    untouched(tmp_path / "results")


def test_commands_that_run_what_a_run_says(
    strange: Callable[[str, Callable[[Path], None]], Path], tmp_path: Path
) -> None:
    """Refused before anything is run."""
    asked: list[list[str | Path]] = []
    for name, odd in (("profile.toml", link), ("profile.toml", pipe), ("inputs", link), ("inputs/prompts.txt", pipe)):
        asked += [["resume", strange(name, odd)], ["replay", strange(name, odd), "--results", tmp_path / "replays"]]
    asked += [["plan", strange(name, pipe) / "profile.toml"] for name in ("profile.toml", "inputs/prompts.txt")]
    asked += [["resume", strange(name, odd)] for name, odd in zip(WRITTEN, cycle((link, pipe, device)), strict=False)]
    for arguments, (code, _, err) in zip(asked, commands(asked), strict=True):
        assert code == 2, (arguments, err)
        assert len(err.splitlines()) == 1, err
        assert arguments[0] == "plan" or str(Path(arguments[1]).name) in err
    assert not (tmp_path / "replays").exists()
    untouched(tmp_path / "results")


def test_a_runner_replaces_what_only_it_writes(
    strange: Callable[[str, Callable[[Path], None]], Path], tmp_path: Path
) -> None:
    """Links named like its helpers' files; a link in place of the artifacts ends the run before a trial is lost."""
    run = strange(".cache", link)
    for name, odd in ((".reserve", link), (".manifest.json.new", link), ("stop", link)):
        odd(run / name)
    [(code, _, err)] = commands([["resume", run]])
    assert code == 0, err
    assert status(run).done == 7
    broken = strange("artifacts", link)
    [(code, _, err)] = commands([["resume", broken]])
    assert code == 1, err
    assert status(broken).text.endswith(
        "could not be written, artifacts is no folder: it is a symbolic link, which is not followed: "
        f"mend that, then lesion resume {broken.name}"
    )
    assert len(read_trials(broken)) == 2
    untouched(tmp_path / "results")
