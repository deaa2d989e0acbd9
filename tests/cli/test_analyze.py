"""lesion analyze: the page, its files and its JSON of a real run, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Lesion


def test_the_command_on_a_real_run(lesion: Lesion, finished_run: Path, tmp_path: Path) -> None:
    arguments = ("analyze", finished_run, "-o", tmp_path / "report", "--filter-method", "iqr")
    shown = lesion(*arguments)
    assert shown.returncode == 0, shown.stderr
    assert (tmp_path / "report" / "report.md").read_text() == shown.stdout
    told = json.loads(lesion(*arguments, "--json").stdout)
    cells = told["parts"][0]["cells"]
    assert sum(len(cell["values"]) for cell in cells) == told["ok"] == 12
    records = [json.loads(line) for line in (finished_run / "trials.jsonl").read_text().splitlines()]
    first = [one for one in records if one["level"] == 0.5 and one["model"] == "petri-16k"]
    [cell] = [cell for cell in cells if cell["level"] == 0.5 and cell["model"] == "petri-16k"]
    assert cell["after"]["mean"] == pytest.approx(np.mean([one["metrics"]["perplexity"] for one in first]))
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names == {"report.md", "report.json", "scaling_law_summary.csv", "scaling_law_summary.json"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--filter-method", "zsore"), "--filter-method: 'zsore' is not possible here; did you mean 'zscore'?"),
        (("--filter-metric", "perplexiti"), "no metric 'perplexiti' in these trials"),
        (("-m", "perplexiti"), "no metric 'perplexiti' in these trials"),
        (("--models", "petri-9"), "no trial is of the model 'petri-9'"),
        (("--filter-iqr-multiplier", "-1"), "--filter-iqr-multiplier: must be above 0, not -1"),
    ],
)
def test_mistakes_are_one_sentence(lesion: Lesion, finished_run: Path, more: tuple[str, ...], says: str) -> None:
    done = lesion("analyze", finished_run, *more)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_run_named_twice_is_refused(lesion: Lesion, finished_run: Path) -> None:
    done = lesion("analyze", finished_run, finished_run)
    assert (done.returncode, "is named twice" in done.stderr) == (2, True)
