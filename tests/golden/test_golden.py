"""What was recorded before is made again: the same keys, the same draws, the same numbers; the recorded run goes on."""

import json
import math
import shutil
from pathlib import Path

import pytest

from engine import catalog
from engine.record.trials import TrialRecord
from engine.runs import read_generations, read_manifest, read_profile, read_trials
from tests.golden.frozen import DRAWS, HERE, KEYS, RUNS, draws, keys, lesion

pytestmark = pytest.mark.slow

NAMES = {"run": "20261126-1700-golden-c0de", "training": "20261127-1700-training-c0de"}
TOLERANCE = 1e-5
"""Relative, on another processor than the one that the manifest names."""
LOOSE = {"bit_flip", "bit_flips"}
"""A flipped exponent makes a weight so large that the order of adding shows: see results/README.md."""
TIMED = ("seconds_per_text", "tokens_per_second")


@pytest.fixture(params=RUNS)
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a recorded run in a results folder of its own."""
    return shutil.copytree(HERE / request.param, tmp_path / NAMES[request.param])


def test_shipped_profiles_have_the_keys_they_had() -> None:
    assert keys() == json.loads(KEYS.read_text())


def test_draws_are_what_they_were() -> None:
    assert draws() == json.loads(DRAWS.read_text())


def test_every_method_and_every_measurement_was_recorded() -> None:
    records = [record for run in RUNS for record in read_trials(HERE / run)]
    assert {record.status for record in records} == {"ok"}
    assert {record.method for record in records} == set(catalog.methods())
    measured = {measure.name for measure in read_profile(HERE / "run").measure}
    assert set(catalog.measurements()) - measured == {"lm_eval", "imported"}


def test_the_run_is_made_again(recorded: Path) -> None:
    done = lesion("replay", recorded, "--quiet", "--results", recorded.parent)
    assert done.returncode == 0, done.stderr
    again = next(path for path in recorded.parent.iterdir() if path != recorded)
    assert_equal(recorded, again)


def test_the_run_goes_on_after_a_cut(recorded: Path) -> None:
    whole = shutil.copytree(recorded, recorded.parent / "whole" / recorded.name)
    lines = (recorded / "trials.jsonl").read_text().splitlines(keepends=True)
    (recorded / "trials.jsonl").write_text("".join(lines[:7]))
    (recorded / "events.jsonl").write_text((recorded / "events.jsonl").read_text().splitlines(keepends=True)[0])
    done = lesion("resume", recorded, "--quiet", "--results", recorded.parent)
    assert done.returncode == 0, done.stderr
    assert (recorded / "trials.jsonl").read_text().startswith("".join(lines[:7]))
    assert_equal(whole, recorded)


def assert_equal(first: Path, second: Path) -> None:
    """The same trials with the same metrics: to the bit on the same processor, else within the tolerance."""
    alike = same_processor(first, second)
    before, after = read_trials(first), read_trials(second)
    assert [record.trial for record in after] == [record.trial for record in before]
    for old, new in zip(before, after, strict=True):
        assert lasting(new) == lasting(old)
        for name in lasting(old):
            close = alike or old.method in LOOSE or math.isclose(*both(old, new, name), rel_tol=TOLERANCE, abs_tol=1e-9)
            exact = repr(old.metrics[name]) == repr(new.metrics[name])
            assert exact if alike else close, f"{old.method}: {name} was {both(old, new, name)}"
    if alike:
        assert texts(first) == texts(second)


def same_processor(first: Path, second: Path) -> bool:
    """Whether both were made by the same kind of worker, also where the second was gone on with."""
    manifest = read_manifest(second)
    changed = "workers" in manifest["started"][-1].get("changed", {})
    return bool(read_manifest(first)["workers"] == manifest["workers"] and not changed)


def lasting(record: TrialRecord) -> list[str]:
    """The names of its metrics that do not tell the time."""
    return [name for name in record.metrics if not name.endswith(TIMED)]


def both(old: TrialRecord, new: TrialRecord, name: str) -> tuple[float, float]:
    """The metric as it was and as it is."""
    return float(old.metrics[name]), float(new.metrics[name])


def texts(run: Path) -> set[tuple[str, str | None, int | None, str | None]]:
    """Every text by its place."""
    return {(one.trial, one.label, one.index, one.text) for one in read_generations(run)}
