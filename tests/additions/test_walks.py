"""A method that walks: one walk of a seed passes all levels, is measured on its way, and survives being killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.additions.conftest import lesion, surroundings

CODE = """
from pydantic import Field
from engine.catalog import *
from engine.profile import OptionsTable


class DriftOptions(OptionsTable):
    pause: float = Field(0.0, ge=0, description="seconds that a step takes")
    stumble: int = Field(0, ge=0, description="the step at which the walk falls; 0: none")


LEVEL = LevelInfo("n", "steps", low=0.0, high=100.0, integer=True, neutral=0.0)
ADDITIONS = Additions(methods=(
    MethodInfo(
        "drift", "weights drift, a step at a time", LEVEL, draws=True, implementation="drifting:drift",
        options="odd:DriftOptions", acts_on="model", elementwise=False, walks=True,
        metrics=(MetricInfo("steps_taken", "of the whole walk so far", "", None),),
    ),
))
"""
WORK = """
import os, time
import torch
from engine.methods import Damaged


def drift(context):
    step = 0
    for level in context.levels:
        while step < level:
            step += 1
            with open(os.environ["STEPS"], "a") as steps:
                steps.write(f"{context.draws.seed} {step}\\n")
            if step == context.options["stumble"]:
                raise ValueError("fell")
            time.sleep(context.options["pause"])
            with torch.no_grad():
                for piece in context.slices:
                    for weights, z in context.draws.chunks(piece, "normal"):
                        weights.mul_(z.mul_(0.02 * step).add_(1))
            context.progress(step, int(context.levels[-1]))
        touched = sum(piece.numel for piece in context.slices) if level else 0
        yield Damaged(touched, {"steps_taken": float(step)}, {"step": step})
"""
PROFILE = """
name = "p"
[model]
names = ["petri-4k", "petri-16k"]
[seeds]
count = 2
[[damage]]
method = "drift"
groups = ["attn_only"]
levels = [{levels}]
options = {{ {options} }}
[[measure]]
name = "perplexity"
documents = 2
[run]
threads = 1
attempts = 50
"""


@pytest.fixture
def site(package: Callable[[str], Path]) -> Path:
    folder = package(CODE)
    (folder / "drifting.py").write_text(WORK)
    return folder


@pytest.fixture(autouse=True)
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where every step of every walk is noted: seed and number."""
    monkeypatch.setenv("STEPS", str(tmp_path / "steps"))
    return tmp_path / "steps"


def written(tmp_path: Path, levels: str, options: str = "") -> str:
    profile = tmp_path / f"{len(list(tmp_path.glob('*.toml')))}.toml"
    profile.write_text(PROFILE.format(levels=levels, options=options))
    return str(profile)


def run(tmp_path: Path, site: Path, levels: str, options: str = "") -> Path:
    done = lesion("run", written(tmp_path, levels, options), "--json", "-q", "--results", str(tmp_path), sites=(site,))
    assert done.returncode in (0, 1), done.stderr
    return Path(json.loads(done.stdout.splitlines()[-1])["run"])


def records(made: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (made / "trials.jsonl").read_text().splitlines()]


def found(made: Path) -> dict[tuple[Any, ...], Any]:
    """What was found, by trial: everything but times and memory."""
    return {
        (one["model"], one["seed"], one["level"]): (one["trial"], one["status"], one["metrics"], one["change_pct"])
        for one in records(made)
    }


def test_one_walk_of_a_seed_passes_every_level(tmp_path: Path, site: Path, steps: Path) -> None:
    made = run(tmp_path, site, "4, 0, 2")  # in whatever order they are asked for
    baselines, walks = records(made)[0::7], [one for one in records(made) if not one["baseline"]]
    assert [one["level"] for one in walks] == [0.0, 2.0, 4.0] * 4
    assert {one["status"] for one in walks} == {"ok"}
    assert steps.read_text().split("\n")[:-1] == [f"{seed} {n}" for _ in "ab" for seed in (42, 43) for n in range(1, 5)]
    for one, baseline in zip((walks[0], walks[6]), baselines, strict=True):
        assert one["metrics"]["nll"] == baseline["metrics"]["nll"]  # each walk begins with the healthy model
        assert one["touched"] == 0
    assert [one["metrics"]["steps_taken"] for one in walks[:3]] == [0.0, 2.0, 4.0]
    assert [json.loads((made / one["artifacts"][0]).read_text())["step"] for one in walks[:3]] == [0, 2, 4]


def test_a_level_is_the_same_whether_or_not_another_follows(tmp_path: Path, site: Path) -> None:
    long, alone = (found(run(tmp_path, site, levels)) for levels in ("1, 2, 5", "2"))
    assert alone.items() <= long.items()


def test_where_a_walk_falls_the_levels_before_are_kept(tmp_path: Path, site: Path) -> None:
    made = records(run(tmp_path, site, "1, 3, 6", "stumble = 3"))
    walks = [one for one in made if not one["baseline"]]
    assert [one["status"] for one in walks] == ["ok", "failed", "failed"] * 4
    assert {one["error"] for one in walks if one["status"] == "failed"} == {"ValueError: fell"}


@pytest.fixture
def killed(tmp_path: Path, site: Path) -> Iterator[Callable[[Path, int], None]]:
    """Starts the runner of a run and kills it, worker and all, once so many trials are recorded."""
    started: list[subprocess.Popen[bytes]] = []

    def start_and_kill(made: Path, after: int) -> None:
        command = [sys.executable, "-P", "-m", "engine.runs.runner", str(made)]
        started.append(subprocess.Popen(command, env=surroundings((site,), {}), start_new_session=True))
        while started[-1].poll() is None and len(records(made)) < after:
            time.sleep(0.01)
        workers = [json.loads(line) for line in (made / "events.jsonl").read_text().splitlines() if '"pid"' in line]
        for pid in (started[-1].pid, *(event["pid"] for event in workers if event["event"] == "worker")):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        started[-1].wait()

    yield start_and_kill
    for process in started:
        process.kill()


@pytest.mark.slow
def test_killed_in_the_middle_of_a_walk_it_ends_as_if_it_had_not_been(
    tmp_path: Path, site: Path, killed: Callable[[Path, int], None]
) -> None:
    levels, options = "1, 2, 3, 4, 5, 6", "pause = 0.02"
    whole = run(tmp_path, site, levels, options)
    broken = tmp_path / "broken"
    shutil.copytree(whole, broken)
    shutil.rmtree(broken / "artifacts")
    for name in ("trials.jsonl", "generations.jsonl", "events.jsonl"):
        (broken / name).write_text("")
    for after in (4, 9, 17):
        killed(broken, after)
        assert len(records(broken)) < len(records(whole))
    done = lesion("resume", str(broken), "-q", sites=(site,))
    assert done.returncode == 0, done.stderr
    assert found(broken) == found(whole)
    assert len(records(broken)) == len(records(whole))
    contents = {file.name: file.read_bytes() for file in (whole / "artifacts").iterdir()}
    assert {file.name: file.read_bytes() for file in (broken / "artifacts").iterdir()} == contents
