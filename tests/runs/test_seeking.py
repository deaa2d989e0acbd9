"""Doses found by real runs: where a dense grid has them, by a third of its trials, also when killed on the way."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from engine.analysis.card import card
from engine.analysis.card_text import paragraph
from engine.analysis.doses import doses
from engine.errors import LesionError
from engine.profile import Profile
from engine.runs import create, is_complete, read_trials, start, status
from engine.runs.replay import verify
from engine.runs.saving import save
from tests.runs.conftest import kill_all, lasting, resume, small_profile, trials_done, wait, worker_of

ROOT = Path(__file__).parents[2]
NLL = {"find": "nll", "crosses": "2x", "within": 0.02, "to": 1.4}
ACCURACY = {"find": "token_accuracy", "crosses": "-50%", "within": 0.02}


def profile(levels: list[Any], **changes: Any) -> Profile:
    """Noise in the values, and weights of the MLP zeroed, at these levels or looking for them."""
    places = (("mult_gauss", "attn_only"), ("ablation", "mlp_only"))
    damage = [
        {"method": method, "groups": [group], "levels": asked}
        for (method, group), asked in zip(places, levels, strict=True)
    ]
    plain: dict[str, Any] = {
        "model": {"names": ["petri-4k", "petri-16k"], "device": "cpu"},
        "damage": damage,
        "seeds": {"count": 2},
        "measure": [{"name": "perplexity", "documents": 4}],
        "run": {"threads": 1, "attempts": 50},
    }
    return small_profile(**{**plain, **changes})


def finished(folder: Path, profile: Profile) -> Path:
    run = create(profile, folder, source=None)
    start(run).wait()
    found = status(run)
    assert (found.state, found.ok, found.done) == ("done", found.total, found.total), found
    return run


@pytest.fixture(scope="module")
def sought(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished(tmp_path_factory.mktemp("sought"), profile([NLL, ACCURACY]))


@pytest.mark.slow
def test_a_dense_grid_has_the_same_crossings(sought: Path, tmp_path: Path) -> None:
    """Of the same spacing, so that it knows them as closely; with three times the trials and more."""
    steps = [round(0.02 * step, 10) for step in range(1, 71)]
    dense = finished(tmp_path, profile([steps, steps[:50]], model={"names": ["petri-4k"], "device": "cpu"}))
    records = read_trials(dense)
    cells = [cell for cell in doses(sought) if cell.model == "petri-4k"]
    for cell in cells:
        for dose in cell.doses:
            assert dose.verdict == "found"
            assert dose.low is not None
            assert dose.high is not None
            assert dose.high - dose.low <= 0.02 + 1e-9
            assert dose.value is not None
            assert dose.undamaged is not None
            rising = dose.value > dose.undamaged
            curve = {
                one.level: (one.metrics[dose.metric] >= dose.value) == rising
                for one in records
                if (one.method, one.seed) == (dose.method, dose.seed) and one.level is not None
            }
            crossings = [level for level in curve if curve[level] and not curve.get(round(level - 0.02, 10), False)]
            assert any(level - 0.02 <= dose.high and dose.low <= level for level in crossings), dose
    assert 3 * sum(cell.trials for cell in cells) < len(records) - 1


@pytest.mark.slow
def test_the_doses_are_where_the_records_have_them(sought: Path) -> None:
    records = read_trials(sought)
    indexes = [record.index for record in records]
    assert len(set(indexes)) == len(indexes)
    for cell in doses(sought):
        assert (len(cell.doses), cell.coverage) == (2, 0.5)
        levels = [dose.level for dose in cell.doses if dose.level is not None]
        assert (cell.low, cell.high) == (min(levels), max(levels))
        for dose in cell.doses:
            known = {
                one.level: one.metrics[dose.metric]
                for one in records
                if (one.model, one.method, one.seed) == (dose.model, dose.method, dose.seed) and one.level is not None
            }
            assert len(known) == dose.trials
            assert dose.low is not None
            assert dose.high is not None
            assert dose.value is not None
            rising = dose.metric == "nll"
            assert (known[dose.high] >= dose.value) == rising
            assert (known[dose.low] < dose.value) == rising
    assert is_complete(sought)


@pytest.mark.slow
def test_killed_on_the_way_it_goes_the_same_way(sought: Path, tmp_path: Path) -> None:
    run = create(profile([NLL, ACCURACY]), tmp_path, source=None)
    try:
        for after in (3, 11, 20, 33, 41):
            runner = start(run)
            wait(run, trials_done(after))
            victims = [runner.pid] if after % 2 else [worker_of(run)]
            for victim in victims:
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
            if after % 2:
                runner.wait()
            else:
                wait(run, trials_done(after + 2))
                with suppress(ProcessLookupError):
                    os.kill(runner.pid, signal.SIGKILL)
                runner.wait()
            assert not is_complete(run)
        resume(run)
    finally:
        kill_all(run)
    assert lasting(run) == lasting(sought)
    assert doses(run) == doses(sought)
    comparison = verify(sought, run)
    assert comparison.equal
    assert comparison.exact_expected


@pytest.mark.slow
def test_two_runs_that_differ_in_the_order_of_their_work(sought: Path, tmp_path: Path) -> None:
    """The models the other way round, and what was recorded by then, are no part of a search's way."""
    turned = finished(tmp_path, profile([NLL, ACCURACY], model={"names": ["petri-16k", "petri-4k"], "device": "cpu"}))
    by_key = {record.trial: record.metrics for record in read_trials(turned)}
    assert by_key == {record.trial: record.metrics for record in read_trials(sought)}


UNTIL = {"metric": "nll_change_pct", "half_width": "25%", "at_most": 7}


def repeated(names: tuple[str, ...] = ("petri-4k", "petri-16k")) -> Profile:
    seeds = {"count": 3, "until": UNTIL}
    return profile([[0.1, 0.4], [0.1]], seeds=seeds, model={"names": list(names), "device": "cpu"})


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished(tmp_path_factory.mktemp("grown"), repeated())


@pytest.mark.slow
def test_seeds_are_added_until_the_mean_is_known(grown: Path) -> None:
    """As scipy has the interval, seed by seed."""
    cells: dict[tuple[str, str, float | None], list[float]] = {}
    for record in sorted(read_trials(grown), key=lambda one: one.seed):
        if not record.baseline:
            change = (record.change_pct or {})["nll"]
            assert change is not None
            cells.setdefault((record.model, record.method, record.level), []).append(change)
    counts = [len(values) for values in cells.values()]
    assert len(cells) == 6
    assert min(counts) < max(counts)
    for values in cells.values():
        for count in range(3, len(values) + 1):
            seen = np.array(values[:count])
            low, high = stats.t.interval(0.95, count - 1, loc=seen.mean(), scale=stats.sem(seen))
            narrow = (high - low) / 2 <= 0.25 * abs(seen.mean())
            assert (narrow or count == 7) == (count == len(values))
    told = paragraph(card(grown))
    assert "Each combination was run with 3 seeds, from 42 on, and others were added until" in told
    assert "holds the mean less often than it says" in told


@pytest.mark.slow
def test_added_seeds_are_the_same_when_killed_and_in_any_order(grown: Path, tmp_path: Path) -> None:
    run = create(repeated(), tmp_path / "killed", source=None)
    try:
        for after in (9, 23):
            runner = start(run)
            wait(run, trials_done(after))
            with suppress(ProcessLookupError):
                os.kill(runner.pid, signal.SIGKILL)
            runner.wait()
        resume(run)
    finally:
        kill_all(run)
    turned = finished(tmp_path / "turned", repeated(("petri-16k", "petri-4k")))
    expected = {record.trial: record.metrics for record in read_trials(grown)}
    for other in (run, turned):
        assert {record.trial: record.metrics for record in read_trials(other)} == expected
    assert sorted(lasting(run)[0], key=str) == sorted(lasting(grown)[0], key=str)
    assert is_complete(run)


def lesion(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "app.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_commands_tell_of_it(sought: Path, tmp_path: Path) -> None:
    done = lesion("doses", sought)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1 + 4
    assert "nll 2x" in done.stdout
    cells = json.loads(lesion("doses", sought, "--json").stdout)
    assert [cell["trials"] for cell in cells] == [cell.trials for cell in doses(sought)]
    planned = lesion("plan", sought / "profile.toml", "--json")
    assert json.loads(planned.stdout)["trials"] > len(read_trials(sought))
    assert "at most" in lesion("plan", sought / "profile.toml").stdout
    tried = read_trials(sought)[-1]
    assert save(sought, tried.trial, tmp_path / "saved").trial == tried


def test_a_run_that_seeks_nothing_says_so(finished_run: Path) -> None:
    with pytest.raises(LesionError, match="seeks no dose"):
        doses(finished_run)
