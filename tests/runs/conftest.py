"""Runs to test with: a small profile, run directories made from it, and records as a worker would give them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from engine.profile import Profile, Trial, parse, to_toml, trials
from engine.record.events import Event, StartEvent, WorkerEvent
from engine.record.messages import Hello
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord
from engine.runs import Watch, create, read_profile, start, status
from engine.runs.journal import Journal
from engine.runs.lock import read_holder
from engine.runs.places import Place
from tests.warm.opening import NURSERY


def small_profile(**changes: Any) -> Profile:
    """Two damaged groups at three levels on the smallest bundled model: seven trials with a baseline."""
    table: dict[str, Any] = {
        "name": "small",
        "model": {"names": ["petri-16k"], "device": "cpu"},
        "damage": [{"method": "mult_gauss", "groups": ["attn_only", "mlp_only"], "levels": [0.1, 0.5, 2.0]}],
        "seeds": {"count": 1},
        "measure": [
            {"name": "perplexity", "documents": 2},
            {"name": "generation", "limit": 2, "max_new_tokens": 8},
        ],
        "run": {"threads": 1},
    }
    return parse({**table, **changes}, "test", Path())


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run directory in which nothing ran yet."""
    return create(small_profile(), tmp_path / "results", source=None)


def trial_record(trial: Trial, **changes: Any) -> TrialRecord:
    """A record of the trial with made-up numbers."""
    told: dict[str, Any] = {
        "trial": trial.key,
        **{name: getattr(trial, name) for name in ("index", "model", "baseline", "method", "group", "level", "seed")},
        "layers": trial.layers,
        "status": "ok",
        "metrics": {"perplexity": 1.5 + trial.index},
        "texts": 2,
        "parameters": 16000,
        "touched": 10,
        "batch": {"perplexity": 16},
        "seconds": 0.1,
        "device": "cpu",
        "started": "2026-01-01T00:00:00.000Z",
        "threads": 1,
    }
    return TrialRecord(**(told | changes))


def text_records(trial: Trial, count: int = 2) -> list[TextRecord]:
    """Texts of the trial."""
    found = ({"index": index, "prompt": "p", "text": f"t{index}"} for index in range(count))
    return [TextRecord(trial=trial.key, measurement="generation", found=one) for one in found]


def fill(run: Path, count: int, **changes: Any) -> list[Trial]:
    """Commit the first `count` trials of the run as a runner would and return all trials."""
    grid = trials(read_profile(run), run)
    journal = Journal(run)
    for trial in grid[:count]:
        journal.commit(trial_record(trial, **changes), text_records(trial))
    journal.close()
    return grid


def lasting(run: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The journals of a run in the order of the files, as text to the last digit, without what never repeats."""
    records = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
    for record in records:
        for name in ("seconds", "started", "peak_bytes"):
            del record[name]
        for numbers in (record["metrics"], record["change_pct"]):
            numbers.pop("seconds_per_text", None)
    texts = [json.loads(line) for line in (run / "generations.jsonl").read_text().splitlines()]
    for text in texts:
        del text["batch_seconds"]
    return records, texts


def busy_profile(**changes: Any) -> Profile:
    """30 quick trials; a trial is not given up however many workers are killed on it."""
    measure = [
        {"name": "perplexity", "documents": 4},
        {"name": "generation", "limit": 8, "max_new_tokens": 48},
    ]
    damage = [{"method": "mult_gauss", "groups": ["attn_only", "mlp_only", "embed_only"], "levels": [0.1, 0.5, 2.0]}]
    table = {"measure": measure, "damage": damage, "seeds": {"count": 3}, "run": {"threads": 1, "attempts": 100}}
    return small_profile(**{**table, "name": "busy", **changes})


def endless_profile() -> Profile:
    """Trials that take minutes each: thousands of prompts answered one by one. Two lost workers end one."""
    prompts = [f"prompt number {number}" for number in range(4000)]
    measure = [{"name": "generation", "prompts": prompts, "batch_size": 1}]
    return small_profile(name="endless", measure=measure, run={"threads": 1, "attempts": 2})


HOLD = """
import sys, time
from pathlib import Path
from engine.runs.places import Place
from engine.runs.lock import Lock
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def hold(run: Path) -> "subprocess.Popen[str]":
    """A process that has the run's lock until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(run)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def kill_all(run: Path) -> None:
    if (holder := read_holder(run)) and holder.pid and psutil.pid_exists(holder.pid):
        os.kill(holder.pid, signal.SIGKILL)


def hello(profile: Profile, run: Path, place: Place) -> Hello:
    """How a runner greets a worker."""
    text = to_toml(profile)
    return Hello(profile=text, folder=str(run), device=place.device, threads=1, trust_remote_code=False, batch={})


Kind = TypeVar("Kind", bound=Event)


def told(run: Path, kind: type[Kind]) -> list[Kind]:
    """The events of one kind that the run has written so far."""
    return [event for event in Watch(run).poll().events if isinstance(event, kind)]


def wait(run: Path, until: Callable[[Watch, list[TrialRecord], list[Event]], bool]) -> None:
    """Follow the run until `until(watch, all trials, all events)`; fails when it ends before."""
    watch = Watch(run)
    found: list[TrialRecord] = []
    events: list[Event] = []
    while True:
        update = watch.poll()
        found += update.trials
        events += update.events
        if until(watch, found, events):
            return
        assert update.status.state in ("running", "stopping"), update.status
        time.sleep(0.02)


def trials_done(count: int) -> Callable[..., bool]:
    return lambda watch, found, events: len(found) >= count


def worker_of(run: Path) -> int:
    """The process id of the worker that the run's present runner started last, waiting for its first."""
    found: list[int] = []

    def seen(watch: Watch, trials: list[TrialRecord], events: list[Event]) -> bool:
        lives = [at for at, event in enumerate(events) if isinstance(event, StartEvent)]
        this_life = events[lives[-1] :] if lives else []
        found[:] = [one.pid for one in this_life if isinstance(one, WorkerEvent) and one.state == "started" and one.pid]
        return bool(found)

    wait(run, seen)
    return found[-1]


def resume(run: Path) -> None:
    assert start(run).wait() == 0
    assert status(run).state == "done"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A busy run that nothing disturbed, with a worker of its own: it is weighed."""
    run = create(busy_profile(), tmp_path_factory.mktemp("results"), source=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(NURSERY, raising=False)
        assert start(run).wait() == 0
    return run


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A busy run that has not started; whoever runs it after the test is killed."""
    run = create(busy_profile(), tmp_path / "results", source=None)
    yield run
    kill_all(run)
