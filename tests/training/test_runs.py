"""Training from a profile, by the real command: walks, kills, what comes before and after, and what is refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

PROFILE = """
name = "p"
[model]
names = ["{name}"]
device = "cpu"
{model}
[seeds]
count = {seeds}
{damage}
[[measure]]
name = "perplexity"
documents = 2
[run]
threads = 1
attempts = 50
"""
QUICK = "learning_rate = 1e-3, length = 16, watch_every = 2, watch_documents = 2"
SEARCH = "directions = 2, iterations = 5, search_steps = 5"


def table(method: str, levels: str, *, group: str = "all", options: str = QUICK, more: str = "") -> str:
    chosen = f'[[damage]]\nmethod = "{method}"\ngroups = ["{group}"]\nlevels = [{levels}]\n'
    return f"{chosen}options = {{ {options} }}\n{more}\n"


def lesion(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "app.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def write(folder: Path, damage: str, *, seeds: int = 1, model: str = "", name: str = "petri-4k") -> Path:
    path = folder / f"{len(list(folder.glob('*.toml')))}.toml"
    path.write_text(PROFILE.format(damage=damage, seeds=seeds, model=model, name=name))
    return path


def run(folder: Path, damage: str, **how: Any) -> Path:
    done = lesion("run", write(folder, damage, **how), "--json", "-q", "--results", folder)
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout.splitlines()[-1])["run"])


def records(made: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (made / "trials.jsonl").read_text().splitlines()]


def numbers(made: Path) -> dict[str, str]:
    """By key all metrics of a trial, to the bit."""
    return {one["trial"]: json.dumps(one["metrics"]) for one in records(made)}


def ends(made: Path) -> dict[str, Any]:
    """By key what the artifact of a trial says of the steps up to its level."""
    return {path.name: json.loads(path.read_text()) for path in (made / "artifacts").iterdir()}


def begun_anew(whole: Path, broken: Path) -> Path:
    """The run with nothing recorded yet."""
    shutil.copytree(whole, broken)
    shutil.rmtree(broken / "artifacts")
    for name in ("trials.jsonl", "generations.jsonl", "events.jsonl"):
        (broken / name).write_text("")
    return broken


@pytest.mark.slow
def test_a_level_is_the_same_whether_or_not_another_follows(tmp_path: Path) -> None:
    methods = {"catalyst": f"{QUICK}, {SEARCH}", "gaussian_noise": QUICK, "random_tokens": QUICK, "random_text": QUICK}
    long, short, alone = (
        run(tmp_path, "".join(table(method, levels, options=options) for method, options in methods.items()))
        for levels in ("0, 3, 7", "0, 3", "3")
    )
    assert numbers(short).items() <= numbers(long).items()
    assert numbers(alone).items() <= numbers(short).items()
    assert ends(short).items() <= ends(long).items()
    steps = [(one["method"], one["metrics"]["trained_steps"]) for one in records(long)[1:]]
    assert steps == [(method, step) for method in methods for step in (0, 3, 7)]


@pytest.mark.slow
def test_killed_in_the_middle_of_a_walk_it_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    damage = table("random_text", "0, 10, 20, 30, 40", options=f"{QUICK}, optimiser = 'adamw8bit'")
    damage += table("heal", "0, 10, 20", more='before = [{ method = "mult_gauss", groups = ["all"], levels = [0.3] }]')
    whole = run(tmp_path, damage, seeds=3)
    broken = begun_anew(whole, tmp_path / "broken")
    for after in (3, 8, 14):
        command = [sys.executable, "-P", "-m", "engine.runs.runner", str(broken)]
        process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
        while process.poll() is None and len(records(broken)) < after:
            time.sleep(0.01)
        workers = [json.loads(line) for line in (broken / "events.jsonl").read_text().splitlines() if '"pid"' in line]
        for pid in (process.pid, *(event["pid"] for event in workers if event["event"] == "worker")):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()
        assert len(records(broken)) < len(records(whole))
    done = lesion("resume", broken, "-q")
    assert done.returncode == 0, done.stderr
    assert numbers(broken) == numbers(whole)
    assert ends(broken) == ends(whole)


@pytest.mark.slow
@pytest.mark.parametrize("load_in", ["none", "8bit", "4bit"])
def test_full_and_by_adapters_weights_come_back(load_in: str, tmp_path: Path) -> None:
    """The worker compares every weight after each trial, and ends the run where one is another."""
    kinds = ["trainable = 'lora', lora_rank = 2"] + (
        ["optimiser = 'adafactor', clip = 1.0"] if load_in == "none" else []
    )
    damage = "".join(table("random_text", "2, 4", group="mlp_only", options=f"{QUICK}, {kind}") for kind in kinds)
    made = records(run(tmp_path, damage, model=f'load_in = "{load_in}"', name="petri-250k"))
    trained = [one for one in made if one["method"] == "random_text"]
    assert {one["status"] for one in made} == {"ok"}
    assert len({one["metrics"]["perplexity"] for one in trained}) == len(trained)


@pytest.mark.slow
def test_healing_after_noise_and_damage_before_healing(tmp_path: Path) -> None:
    """Step 0 is the damage alone; healing that follows a damage is healing that a damage comes before."""
    noise = '{ method = "mult_gauss", groups = ["attn_only"], levels = [0.6] }'
    heal = f'{{ method = "heal", groups = ["all"], levels = [5], options = {{ {QUICK} }} }}'
    damage = table("heal", "0, 5", more=f"before = [{noise}]")
    damage += '[[damage]]\nmethod = "mult_gauss"\ngroups = ["attn_only"]\nlevels = [0.6]\n'
    damage += f'[[damage]]\nmethod = "mult_gauss"\ngroups = ["attn_only"]\nlevels = [0.6]\nthen = [{heal}]\n'
    baseline, start, healed, alone, followed = records(run(tmp_path, damage))
    assert start["metrics"]["perplexity"] == alone["metrics"]["perplexity"] > baseline["metrics"]["perplexity"]
    assert healed["metrics"]["perplexity"] == followed["metrics"]["perplexity"]
    assert healed["before"] == [{"method": "mult_gauss", "group": "attn_only", "layers": None, "level": 0.6}]
    assert followed["metrics"]["then.trained_steps"] == 5
    assert len({one["trial"] for one in (baseline, start, healed, alone, followed)}) == 5


@pytest.mark.slow
def test_training_ends_where_the_rank_fell_as_far_as_was_asked_for(tmp_path: Path) -> None:
    options = "learning_rate = 0.05, length = 16, watch_every = 1, watch_documents = 2, target_rank_reduction = 1"
    *_, short, long = records(run(tmp_path, table("random_tokens", "5, 60", options=options)))
    assert 1 <= long["metrics"]["trained_steps"] < 60
    assert long["metrics"]["rank_reduction"] >= 1
    assert short["metrics"]["trained_steps"] <= 5


@pytest.mark.parametrize(
    ("damage", "model", "clause"),
    [
        (table("catalyst", "2.5"), "", "levels: level 2.5 is not possible: n, optimiser steps, is a whole number"),
        (table("catalyst", "2", options="learning_rate = 0"), "", "learning_rate: must be above 0, not 0"),
        (table("catalyst", "2", options="learning_rate = -1e-4"), "", "learning_rate: must be above 0"),
        (table("catalyst", "2", options="optimiser = 'adam'"), "", "optimiser: "),
        (
            table("catalyst", "2", group="norms", options="trainable = 'lora'"),
            "",
            "groups: adapters stand beside matrices",
        ),
        (table("catalyst", "2"), 'load_in = "8bit"', "options.trainable: codes cannot take steps"),
        (table("random_text", "2", options="text = '{folder}/empty.txt'"), "", "holds no text"),
        (table("random_text", "2", options="text = 'gone.txt'"), "", "there is no file"),
        (table("heal", "2"), "", "before: heals what was damaged before, and nothing was"),
        (
            table("heal", "2", more='before = [{ method = "scale", groups = ["all"], levels = [1, 2] }]'),
            "",
            "before.0: takes a method with one group and one level",
        ),
        (
            table("scale", "2", options="", more='then = [{ method = "scal", groups = ["all"], levels = [1] }]'),
            "",
            "then.0.method: there is no method 'scal'",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(damage: str, model: str, clause: str, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    done = lesion("run", write(tmp_path, damage.replace("{folder}", str(tmp_path)), model=model), "--results", tmp_path)
    assert done.returncode == 2, done.stdout
    assert clause in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("2*"))
