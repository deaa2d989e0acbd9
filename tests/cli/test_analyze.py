"""lesion analyze: the page, its files and its JSON of a real run, and what is refused."""

import csv
import json
import zipfile
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
    names = {str(path.relative_to(tmp_path / "report")) for path in (tmp_path / "report").rglob("*") if path.is_file()}
    drawn = {name for name in names if name.startswith("figures/")}
    assert names - drawn == {"report.md", "report.json", "scaling_law_summary.csv", "scaling_law_summary.json"}
    assert drawn == {f"figures/dose-perplexity.{form}" for form in ("png", "svg", "pdf")}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--filter-method", "zsore"), "--filter-method: 'zsore' is not possible here; did you mean 'zscore'?"),
        (("--filter-metric", "perplexiti"), "no metric 'perplexiti' in these trials"),
        (("-m", "perplexiti"), "no metric 'perplexiti' in these trials"),
        (("--models", "petri-9"), "no trial is of the model 'petri-9'"),
        (("--filter-iqr-multiplier", "-1"), "--filter-iqr-multiplier: must be above 0, not -1"),
        (("--confidence", "1"), "--confidence: must be below 1, not 1"),
        (("--reference", "a,b"), "--reference: 'a,b' is not of the form NAME,METRIC,SIZE,VALUE"),
        (("-o", "/proc/none"), "cannot write /proc/none"),
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


def test_an_archive_holds_the_same_files_and_is_equal_each_time(
    lesion: Lesion, scaled_run: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first" / "report.zip", tmp_path / "second" / "report.zip"
    for archive in (first, second):
        archive.parent.mkdir()
        done = lesion("analyze", scaled_run, "--archive", archive, "-o", tmp_path / "report")
        assert done.returncode == 0, done.stderr
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as held:
        content = {name.removeprefix("report/"): held.read(name) for name in held.namelist()}
    assert {"scaling_law_curve.png", "scaling_law_summary.csv", "figures/law-perplexity.pdf"} <= set(content)
    for name, data in content.items():
        assert (tmp_path / "report" / name).read_bytes() == data
    svg = content["figures/law-perplexity.svg"]
    assert b"<svg" in svg
    assert scaled_run.name.encode() in lesion("analyze", scaled_run).stdout.encode()


def test_a_law_known_beforehand_is_in_the_files(lesion: Lesion, scaled_run: Path, tmp_path: Path) -> None:
    """Perplexities of the run by hand are 10^6 / parameters · (1 + level)."""
    arguments = ("analyze", scaled_run, "-o", tmp_path, "--no-figures", "--exponent", "-1")
    assert lesion(*arguments).returncode == 0
    told = json.loads((tmp_path / "scaling_law_summary.json").read_text())
    undamaged = next(law for law in told["laws"] if law["method"] == "none")
    assert undamaged["exponent_alpha"] == pytest.approx(-1)
    assert undamaged["hypothesis_test"]["within_1_std_err"] in (True, False)
    assert undamaged["predictions"]["7B"][0] == pytest.approx(1e6 / 7e9)
    with (tmp_path / "scaling_law_summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["model"] for row in rows} == {"petri-16k", "petri-60k", "petri-250k"}
    first = next(row for row in rows if row["method"] == "none" and row["model"] == "petri-16k")
    assert float(first["mean_perplexity"]) == pytest.approx(100.0)


def test_without_matplotlib_a_sentence_says_what_to_install(lesion: Lesion, scaled_run: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDING)
    done = lesion("analyze", scaled_run, "-o", tmp_path / "report", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0
    assert "note: figures need matplotlib, which is not installed: pip install 'lesion-lab[figures]'" in done.stderr
    assert (tmp_path / "report" / "report.md").exists()
    asked = lesion("analyze", scaled_run, "-o", tmp_path / "report", "--figures", PYTHONPATH=str(tmp_path))
    assert asked.returncode == 2
    assert (
        asked.stderr == "lesion: figures need matplotlib, which is not installed: pip install 'lesion-lab[figures]'\n"
    )


HIDING = """
import sys

class Hiding:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Hiding())
"""


def test_the_original_names_of_options(lesion: Lesion, scaled_run: Path) -> None:
    told = lesion(
        *("analyze", scaled_run, "--models", "petri-16k,petri-60k", "--use-absolute", "--filter-method", "zscore"),
        *("--filter-metric", "perplexity_post", "--filter-zscore-threshold", "2", "--json"),
    )
    assert told.returncode == 0, told.stderr
    choices = json.loads(told.stdout)["choices"]
    assert choices["models"] == ["petri-16k", "petri-60k"]
    assert (choices["absolute"], choices["filter_metric"], choices["filter_zscore_threshold"]) == (
        True,
        "perplexity",
        2,
    )


def test_a_page_fits_a_terminal(lesion: Lesion, scaled_run: Path) -> None:
    page = lesion("analyze", scaled_run).stdout
    assert max(map(len, page.splitlines())) <= 80
