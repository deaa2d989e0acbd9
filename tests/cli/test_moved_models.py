"""A model in a folder that is somewhere else than when its run was made."""

import shutil
import tomllib
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from engine import profile, runs
from engine.petri import PETRI
from engine.profile import trials
from tests.cli.conftest import Lesion

PROFILE = """
name = "mine"

[model]
names = ["./first/mine", "./first/beside"]
device = "cpu"

[[damage]]
method = "mult_gauss"
groups = ["mlp_only"]
levels = [0.5]

[[measure]]
name = "perplexity"
text = "petri"
documents = 1

[run]
threads = 1
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run of a profile, and its models in first/."""
    root = tmp_path_factory.mktemp("place")
    shutil.copytree(PETRI["petri-4k"], root / "first" / "mine")
    shutil.copytree(PETRI["petri-16k"], root / "first" / "beside")
    (root / "mine.toml").write_text(PROFILE)
    return root


@pytest.fixture(scope="module")
def run(place: Path) -> Path:
    """The finished run; its first model now lies in second/lr=0.1."""
    made = runs.create(profile.load(place / "mine.toml"), place / "results", source=None)
    assert runs.start(made).wait() == 0
    (place / "second").mkdir()
    (place / "first" / "mine").rename(place / "second" / "lr=0.1")
    return made


def test_its_trials_are_known_by_its_weights(run: Path, place: Path) -> None:
    recorded = [record.trial for record in runs.read_trials(run)]
    names = f"names=['{place / 'second' / 'lr=0.1'}', '{place / 'first' / 'beside'}']"
    elsewhere = profile.resolve(profile.load(place / "mine.toml", [f"model.{names}"]))
    assert [trial.key for trial in trials(elsewhere)] == recorded


def test_a_repetition_says_what_to_give_and_takes_it(lesion: Lesion, run: Path, place: Path) -> None:
    results = ("--results", place / "replays")
    gone = lesion("replay", run, *results)
    assert gone.returncode == 2
    assert gone.stderr == (
        f"lesion: run {run.name} names the model {place / 'first' / 'mine'}, and nothing is there: say where it is "
        "with --model mine=PATH\n"
    )
    assert not (place / "replays").exists()
    again = lesion("replay", run, "--model", f"mine={place / 'second' / 'lr=0.1'}", "--verify", *results)
    assert again.returncode == 0, again.stderr
    assert "equal bit for bit: 4 trials and 0 texts compared" in again.stderr
    [made] = (place / "replays").iterdir()
    assert [record.trial for record in runs.read_trials(made)] == [record.trial for record in runs.read_trials(run)]


def test_going_on_says_what_to_give_and_takes_it(lesion: Lesion, run: Path, place: Path, tmp_path: Path) -> None:
    """The records that were there stay; the others bear the model's name of the profile, too."""
    half = shutil.copytree(run, tmp_path / run.name)
    lines = (run / "trials.jsonl").read_bytes().splitlines(keepends=True)
    (half / "trials.jsonl").write_bytes(lines[0])
    (half / "events.jsonl").write_bytes((run / "events.jsonl").read_bytes().splitlines(keepends=True)[0])
    gone = lesion("resume", half)
    assert gone.returncode == 2
    assert "say where it is with --model mine=PATH" in gone.stderr
    done = lesion("resume", half, "--model", f"{place / 'first' / 'mine'}={place / 'second' / 'lr=0.1'}")
    assert done.returncode == 0, done.stderr
    found, before = (
        [(one.trial, one.model, one.metrics, one.change_pct) for one in runs.read_trials(place)]
        for place in (half, run)
    )
    assert found == before


def test_other_weights_are_refused(lesion: Lesion, run: Path, place: Path, tmp_path: Path) -> None:
    other = shutil.copytree(place / "second" / "lr=0.1", tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    name = sorted(weights)[0]
    save_file({**weights, name: weights[name] * 1.001}, other / "model.safetensors", {"format": "pt"})
    for command in ("replay", "resume"):
        if command == "resume":
            run = shutil.copytree(run, tmp_path / run.name)
            (run / "trials.jsonl").unlink()
            (run / "events.jsonl").unlink()
        refused = lesion(command, run, "--model", f"mine={other}", "--results", tmp_path / "results")
        assert refused.returncode == 2
        assert f"the model at {other} has other weights than the profile notes in model.digests" in refused.stderr
        assert refused.stderr.endswith("give the folder or file that holds those\n")


def test_a_run_that_does_not_tell_weights_finds_out_when_it_loads_them(
    lesion: Lesion, run: Path, place: Path, tmp_path: Path
) -> None:
    """As runs of earlier versions are, which knew a model in a folder by its path."""
    old = shutil.copytree(run, tmp_path / run.name)
    profile = (old / "profile.toml").read_text().splitlines(keepends=True)
    (old / "profile.toml").write_text("".join(line for line in profile if not line.startswith("digests")))
    results = ("--results", tmp_path / "results")
    right = lesion("replay", old, "--model", f"mine={place / 'second' / 'lr=0.1'}", *results, "--verify")
    assert right.returncode == 0, right.stderr
    assert "4 trials and 0 texts compared" in right.stderr
    wrong = lesion("replay", old, "--model", f"mine={PETRI['petri-60k']}", *results)
    assert wrong.returncode == 1
    assert f"the weights of model {PETRI['petri-60k']} are not those" in wrong.stderr


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("mine", "--model 'mine': write it as OLD=NEW, the model as the run names it and where it is now"),
        ("mine=/no/such/folder", "--model mine=/no/such/folder: there is nothing at /no/such/folder"),
        ("yours=.", "--model yours: run {run} has no such model; those in folders and files are: {mine}, {beside}"),
    ],
)
def test_a_mistake_is_one_sentence(lesion: Lesion, run: Path, place: Path, option: str, says: str) -> None:
    names = {"mine": place / "first" / "mine", "beside": place / "first" / "beside"}
    refused = lesion("replay", run, "--model", option)
    assert refused.returncode == 2
    assert says.format(run=run.name, **names) in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_model_of_the_hub_has_no_place(lesion: Lesion, tmp_path: Path) -> None:
    text = PROFILE.replace('"./first/mine", "./first/beside"', '"petri-4k"')
    run = runs.create(profile.parse(tomllib.loads(text), "test", tmp_path), tmp_path, source=None)
    refused = lesion("replay", run, "--model", "petri-4k=.")
    assert refused.returncode == 2
    assert f"--model petri-4k: run {run.name} has no such model; it has none in a folder or file" in refused.stderr
