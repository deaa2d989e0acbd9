"""How long a profile will take: by the survey's estimate, or by what earlier runs took that did the same work here."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.profile import Profile, load, trials
from engine.record.directory import read_profile
from engine.runs import create, manifest, read_manifest
from engine.runs.journal import Journal
from engine.runs.survey import SurveyedModel, survey
from engine.runs.timing import Expected, expected
from tests.runs.conftest import small_profile, trial_record

COUNTS = {"petri-16k": 7, "petri-60k": 7}
NAMES = {"names": ["petri-16k", "petri-60k"], "device": "cpu"}
LONG = [{"name": "generation", "limit": 8, "max_new_tokens": 200}]


@pytest.fixture(scope="module")
def models() -> tuple[SurveyedModel, ...]:
    """What a survey says of two models."""
    return survey(small_profile(model=NAMES, measure=LONG)).models


def timed_run(profile: Profile, results: Path, **changes: Any) -> Path:
    """A run whose first three trials took 3, 1 and 2 seconds on this host; `changes` are those of its records."""
    run = create(profile, results, source=None)
    manifest.start(run, {}, devices=["cpu"], threads=1, trust_remote_code=False)
    manifest.add_model(run, "petri-16k", {"digest": "d", "dtype": "float32"})
    journal = Journal(run)
    for trial, seconds in zip(trials(read_profile(run), run), (3.0, 1.0, 2.0), strict=False):
        journal.commit(trial_record(trial, seconds=seconds, **changes), [])
    journal.close()
    return run


def rewritten(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the manifest of a run."""
    noted: dict[str, Any] = {**read_manifest(run)}
    change(noted)
    (run / "manifest.json").write_text(json.dumps(noted))


def test_an_estimate_grows_with_the_work(tmp_path: Path, models: tuple[SurveyedModel, ...]) -> None:
    long = small_profile(model=NAMES, measure=LONG)
    short = small_profile(model=NAMES, measure=[{"name": "generation", "limit": 8, "max_new_tokens": 2}])
    guessed = expected(long, COUNTS, models, tmp_path)
    assert (guessed.runs, guessed.basis) == ({}, "by a short test of this host's speed")
    assert guessed.models == {model.name: model.trial_seconds for model in models}
    assert guessed.seconds > 7 * sum(guessed.models.values()) > 0
    assert all(
        model.trial_seconds > 3 * other.trial_seconds for model, other in zip(models, survey(short).models, strict=True)
    )
    assert expected(long, {"petri-16k": 7}, models, tmp_path).seconds < guessed.seconds


def test_earlier_runs_of_the_same_tell_it_and_are_named(tmp_path: Path, models: tuple[SurveyedModel, ...]) -> None:
    long = small_profile(model=NAMES, measure=LONG)
    run = timed_run(long, tmp_path)
    timed = expected(long, COUNTS, models, tmp_path)
    assert timed.runs == {"petri-16k": run.name}
    assert timed.models == {"petri-16k": 2.0, "petri-60k": models[1].trial_seconds}
    assert timed.basis == f"by a short test of this host's speed, and as run {run.name} took for petri-16k"
    assert expected(long, COUNTS, models[:1], tmp_path).basis == f"as run {run.name} took"
    more = small_profile(model=NAMES, measure=LONG, seeds={"count": 5}, damage=[{"method": "none"}])
    assert expected(more, COUNTS, models, tmp_path).runs == timed.runs
    short = small_profile(model=NAMES, measure=[{"name": "generation", "limit": 8, "max_new_tokens": 2}])
    assert expected(short, COUNTS, models, tmp_path).runs == {}


@pytest.mark.parametrize(
    ("records", "change"),
    [
        ({"device": "cuda:0"}, None),
        ({"threads": 4}, None),
        ({"status": "failed"}, None),
        ({}, lambda noted: noted.update(host="another")),
        ({}, lambda noted: noted.update(processor="another")),
        ({}, lambda noted: noted["started"].append({"at": "", "changed": {"host": "another"}})),
        ({}, lambda noted: noted["models"]["petri-16k"].update(dtype="bfloat16")),
        ({}, lambda noted: noted.update(models=[], started="x")),
    ],
)
def test_a_run_made_elsewhere_or_otherwise_tells_nothing(
    tmp_path: Path,
    models: tuple[SurveyedModel, ...],
    records: dict[str, Any],
    change: Callable[[dict[str, Any]], object] | None,
) -> None:
    long = small_profile(model=NAMES, measure=LONG)
    run = timed_run(long, tmp_path, **records)
    if change:
        rewritten(run, change)
    assert expected(long, COUNTS, models, tmp_path).runs == {}


@pytest.mark.parametrize(
    "changes",
    [{"model": {**NAMES, "load_in": "8bit"}}, {"run": {"threads": 2}}, {"run": {"threads": 1, "reuse": False}}],
)
def test_a_profile_that_asks_for_other_work_is_not_told(
    tmp_path: Path, models: tuple[SurveyedModel, ...], changes: dict[str, Any]
) -> None:
    timed_run(small_profile(model=NAMES, measure=LONG), tmp_path)
    other = small_profile(**{"model": NAMES, "measure": LONG, **changes})
    assert expected(other, COUNTS, models, tmp_path).runs == {}


def test_the_users_own_texts_are_known_by_what_they_hold(tmp_path: Path, models: tuple[SurveyedModel, ...]) -> None:
    text, prompts = tmp_path / "mine.txt", tmp_path / "asked.txt"
    text.write_text("one\n\ntwo\n")
    prompts.write_text("Why?\nHow?\n")
    (tmp_path / "own.toml").write_text(
        """
name = "own"
[model]
names = ["petri-16k"]
device = "cpu"
[[damage]]
method = "mult_gauss"
groups = ["attn_only"]
levels = [0.1, 0.5]
[[measure]]
name = "perplexity"
text = "mine.txt"
[[measure]]
name = "generation"
prompts = "asked.txt"
[run]
threads = 1
"""
    )

    def again() -> Expected:
        return expected(load(tmp_path / "own.toml"), COUNTS, models[:1], tmp_path / "results")

    run = timed_run(load(tmp_path / "own.toml"), tmp_path / "results")
    assert again().runs == {"petri-16k": run.name}
    text.write_text("one\n\ntwo\n\nthree\n")
    assert again().runs == {}
