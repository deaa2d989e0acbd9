"""A run of an earlier Lesion, recorded before anything had a version: it is known, gone on with and repeated."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine import catalog
from engine.profile import trials
from engine.record.events import WarningEvent
from engine.runs import manifest, read_manifest, read_profile, read_trials
from engine.runs.manifest import earlier
from tests.runs.conftest import told

FORMER = Path(__file__).parent / "former"
RECORDED = 5


def lesion(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.cli", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, cwd=FORMER.parents[2], capture_output=True, text=True, check=False)


@pytest.fixture
def former(tmp_path: Path) -> Path:
    """A copy of the run in a results folder of its own."""
    return shutil.copytree(FORMER, tmp_path / "20261126-0500-former-b6ca")


def test_its_trials_are_known_by_former_keys(former: Path) -> None:
    grid = trials(read_profile(former), former, earlier(former))
    recorded = {record.trial: record.index for record in read_trials(former)}
    assert len(recorded) == len(grid) == RECORDED
    for trial in grid:
        assert trial.index in {recorded.get(key) for key in trial.former_keys}
        assert trial.key not in recorded, "the sampler has changed"


def test_it_is_gone_on_with_and_what_differs_is_said(former: Path) -> None:
    lines = (former / "trials.jsonl").read_text().splitlines(keepends=True)
    (former / "trials.jsonl").write_text("".join(lines[:3]))
    (former / "events.jsonl").write_text((former / "events.jsonl").read_text().splitlines(keepends=True)[0])
    done = lesion("resume", former, "--detach", "--results", former.parent)
    assert done.returncode == 0, done.stderr
    says = f"run {former.name} goes on with other versions of what makes numbers, of the sampler"
    tail = "2 instead of 1: what was recorded stays and counts"
    assert says in done.stderr
    assert tail in done.stderr
    watched = lesion("attach", former, "--quiet", "--results", former.parent)
    assert watched.returncode == 0, watched.stderr
    assert (former / "trials.jsonl").read_text().startswith("".join(lines[:3]))
    records = read_trials(former)
    assert [record.index for record in records] == list(range(RECORDED))
    assert not {record.trial for record in records[3:]} & {json.loads(line)["trial"] for line in lines}
    warnings = [event.text for event in told(former, WarningEvent)]
    assert sum(says in text and tail in text for text in warnings) == 1
    noted = read_manifest(former)
    assert noted["versions"] == {}
    assert noted["started"][-1]["changed"]["versions"]["sampler"] == catalog.SAMPLER_VERSION
    assert all(
        {record.trial for record in records} & set(trial.keys)
        for trial in trials(read_profile(former), former, manifest.earlier(former))
    )


def test_its_repetition_is_compared_as_far_as_that_goes(former: Path) -> None:
    done = lesion("replay", former, "--verify", "--quiet", "--results", former.parent)
    assert done.returncode == 0, done.stderr
    notes = [line.removeprefix("note: ") for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert f"an earlier Lesion made {former.name} and did not note the processor's vector width and" in "".join(notes)
    other = f"what makes numbers has other versions than in {former.name}, of the sampler"
    assert any(note.startswith(other) and note.endswith("2 instead of 1") for note in notes)
    assert "10 sampled texts and the metrics made of them are not compared: the sampler differs" in notes
    assert "equal up to rounding: 5 trials and " in done.stderr
