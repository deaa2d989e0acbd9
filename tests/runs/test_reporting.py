"""The report that a run leaves beside its journal, and runs of which there is none."""

import json
import shutil
from pathlib import Path

import pytest

from engine.record.events import WarningEvent
from engine.runs import create, read_trials, start, status
from engine.runs.reporting import write_report
from tests.runs.conftest import small_profile, told


def test_a_run_that_is_done_has_its_report(finished: Path) -> None:
    page, told_ = (finished / "report.md").read_text(), json.loads((finished / "report.json").read_text())
    assert page.startswith(f"# Report on {finished.name}\n\n30 trials of 1 model; all of them ended well.")
    assert told_["runs"] == [finished.name]
    perplexities = {record.trial: record.metrics["perplexity"] for record in read_trials(finished)}
    cells = [cell for part in told_["parts"] if part["metric"] == "perplexity" for cell in part["cells"]]
    values = {trial: value for cell in cells for trial, value in zip(cell["trials"], cell["values"], strict=True)}
    assert values == perplexities


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished run without its report."""
    run = Path(shutil.copytree(finished, tmp_path / finished.name))
    (run / "report.md").unlink()
    (run / "report.json").unlink()
    return run


def test_a_report_that_cannot_be_written_says_why(copied: Path) -> None:
    (copied / "report.md").mkdir()
    why = write_report(copied, lambda: False)
    assert why.startswith(f"no report was written: {copied} cannot be written: ")
    assert why.endswith(f"; lesion analyze {copied.name} makes one")
    assert len(why.splitlines()) == 1


def test_a_journal_that_cannot_be_read_is_a_reason(copied: Path) -> None:
    (copied / "trials.jsonl").write_text('{"v": 1}\n')
    why = write_report(copied, lambda: False)
    assert "trials.jsonl" in why
    assert "Traceback" not in why


def test_nobody_waits_for_a_report_when_the_run_is_to_stop(copied: Path) -> None:
    assert "the run was asked to stop" in write_report(copied, lambda: True)
    assert not (copied / "report.md").exists()


def test_a_metric_that_no_trial_has_is_a_warning_and_the_run_is_done(tmp_path: Path) -> None:
    damage = [{"method": "mult_gauss", "groups": ["attn_only"], "levels": [0.5]}]
    measure = [{"name": "perplexity", "documents": 2}]
    profile = small_profile(damage=damage, measure=measure, analysis={"metrics": ["perplexiti"]})
    run = create(profile, tmp_path, source=None)
    assert start(run).wait() == 0
    assert (status(run).state, status(run).ok) == ("done", 2)
    [warning] = [event.text for event in told(run, WarningEvent)]
    assert "no metric 'perplexiti' in these trials; did you mean 'perplexity'?" in warning
    assert not (run / "report.md").exists()
