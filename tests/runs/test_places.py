"""Several places: what becomes of a run when one of them never starts, and which pack goes where."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import LesionError
from engine.profile import trials, versions
from engine.profile.packs import packs
from engine.record.directory import read_profile
from engine.record.events import LoadedEvent, WarningEvent
from engine.record.messages import Hello
from engine.record.records import read_trials
from engine.record.seeking import Seeker
from engine.runs import create, manifest
from engine.runs.dispatch import Dispatcher, StopRequests
from engine.runs.executor import LocalExecutor
from engine.runs.journal import Journal
from engine.runs.places import Place
from tests.runs.conftest import hello, small_profile, told

CPU, OTHER = Place("cpu"), Place("cpu:1")


def work(folder: Path, places: list[Place], **wrong: Any) -> Path:
    """A run of two models at these places; workers at the last are greeted with something `wrong`."""
    measure = [{"name": "perplexity", "documents": 1}]
    profile = small_profile(model={"names": ["petri-4k", "petri-16k"]}, measure=measure)
    run = create(profile, folder, source=None)
    manifest.start(run, versions(profile), devices=list(map(str, places)), threads=1, trust_remote_code=False)
    profile = read_profile(run)

    def greet(place: Place) -> Hello:
        return replace(hello(profile, run, place), **(wrong if place == places[-1] else {}))

    journal = Journal(run)
    executor = LocalExecutor(places, greet, run / "worker.log", 600)
    dispatcher = Dispatcher(
        run, packs(trials(profile, run)), Seeker([], []), 2, journal, executor, "cpu", journal.check
    )
    try:
        assert dispatcher.work(StopRequests(run)) == "done"
    finally:
        journal.close()
    return run


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"device": "cuda:9"}, "cuda:9"),
        (
            {"profile": "no TOML"},
            "no worker gets ready to run a trial, 3 tries in a row: the worker on cpu:1 ended with",
        ),
    ],
    ids=["it says why", "it dies"],
)
def test_a_place_that_never_starts_is_left_out(tmp_path: Path, wrong: dict[str, Any], why: str) -> None:
    run = work(tmp_path, [CPU, OTHER], **wrong)
    records = read_trials(run)
    assert len(records) == len(trials(read_profile(run), run))
    assert {(record.status, record.device) for record in records} == {("ok", "cpu")}
    [text] = [event.text for event in told(run, WarningEvent) if "left out" in event.text]
    assert text.startswith("cpu:1 is left out, and the other places go on: ")
    assert why in text


def test_where_the_only_place_never_starts_the_run_says_why(tmp_path: Path) -> None:
    with pytest.raises(LesionError, match="no worker gets ready to run a trial, 3 tries in a row: the worker on cpu"):
        work(tmp_path, [CPU], profile="no TOML")


def test_a_place_goes_on_with_the_model_that_it_has(tmp_path: Path) -> None:
    """Two places, two models: once each has loaded one, it loads the other only when its own has nothing left."""
    run = work(tmp_path, [CPU, OTHER])
    loaded = [event.model for event in told(run, LoadedEvent)]
    assert sorted(loaded[:2]) == ["petri-16k", "petri-4k"]
    assert len(loaded) <= 4
    assert {record.device for record in read_trials(run)} == {"cpu", "cpu:1"}
