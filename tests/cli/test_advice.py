"""What a message about a damaged journal advises, done as a user does it: a line deleted, then `lesion resume`."""

import json
import shutil
from pathlib import Path

import pytest

from engine.runs import create, start
from tests.cli.conftest import Lesion
from tests.runs.conftest import lasting, small_profile


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is done: a baseline and two damaged trials, two texts each."""
    damage = [{"method": "mult_gauss", "groups": ["attn_only"], "levels": [0.5, 2.0]}]
    profile = small_profile(model={"names": ["petri-4k"], "device": "cpu"}, damage=damage)
    run = create(profile, tmp_path_factory.mktemp("advice"), source=None)
    assert start(run).wait() == 0
    return run


@pytest.fixture
def run(ended: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ended, tmp_path / "results" / ended.name))


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def delete(path: Path, number: int) -> None:
    """Line `number`, counted from 1, as editors do."""
    path.write_bytes(b"".join(line for at, line in enumerate(lines(path), start=1) if at != number))


def spoil(path: Path, number: int) -> None:
    kept = lines(path)
    kept[number - 1] = b"{" + b"\0" * 20 + b"\n"
    path.write_bytes(b"".join(kept))


def same(run: Path, original: Path) -> bool:
    """The same records and texts, in whatever order."""

    def sorted_(found: tuple[list[dict[str, object]], ...]) -> list[list[str]]:
        return [sorted(json.dumps(each, sort_keys=True) for each in part) for part in found]

    return sorted_(lasting(run)) == sorted_(lasting(original))


def resumed(lesion: Lesion, run: Path) -> None:
    done = lesion("resume", run)
    assert done.returncode == 0, done.stderr
    assert "done: 3 of 3 trials" in done.stderr


@pytest.mark.parametrize("number", [2, 3])
def test_a_spoilt_trial_of_a_run_that_is_done(lesion: Lesion, run: Path, ended: Path, number: int) -> None:
    spoil(run / "trials.jsonl", number)
    done = lesion("resume", run)
    assert done.returncode == 2
    advice = f"line {number}, is not a JSON object: delete that line, and lesion resume runs its trial again"
    assert done.stderr == f"lesion: {run / 'trials.jsonl'}, {advice}\n"
    delete(run / "trials.jsonl", number)
    resumed(lesion, run)
    assert same(run, ended)
    assert "nothing is left" in lesion("resume", run).stderr


@pytest.mark.parametrize("number", [3, 6])
def test_a_spoilt_text_of_a_run_that_is_done(lesion: Lesion, run: Path, ended: Path, number: int) -> None:
    """In the middle of the file and at its end."""
    spoil(run / "generations.jsonl", number)
    trial = json.loads(lines(run / "trials.jsonl")[(number - 1) // 2])["trial"]
    done = lesion("resume", run)
    assert done.returncode == 2
    place = f"lesion: {run / 'generations.jsonl'}, line {number}, is not a JSON object"
    advice = "delete that line and its trial's in trials.jsonl, and lesion resume runs the trial again"
    assert done.stderr == f"{place}: {advice}; its trial is {trial}\n"
    delete(run / "generations.jsonl", number)
    delete(run / "trials.jsonl", (number + 1) // 2)
    resumed(lesion, run)
    assert same(run, ended)


def test_a_text_that_was_deleted_alone_is_missed(lesion: Lesion, run: Path, ended: Path) -> None:
    delete(run / "generations.jsonl", 3)
    trial = json.loads(lines(run / "trials.jsonl")[1])["trial"]
    advice = f"generations.jsonl lacks texts of trial {trial}: delete its line in trials.jsonl, and lesion resume runs"
    done = lesion("resume", run)
    assert advice in done.stderr
    delete(run / "trials.jsonl", 2)
    resumed(lesion, run)
    assert same(run, ended)
