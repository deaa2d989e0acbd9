"""Making runs, finding them, and what is said about results folders that cannot be used."""

import re
from pathlib import Path

import pytest

from engine.errors import LesionError
from engine.profile import trials
from engine.runs import create, find, read_manifest, read_profile, start, status, stop, summaries
from tests.runs.conftest import fill, small_profile


def fake(results: Path, *names: str) -> None:
    for name in names:
        (results / name).mkdir(parents=True)
        (results / name / "profile.toml").write_text("name = 'x'\n")


def test_create_writes_what_repeats_the_run(tmp_path: Path) -> None:
    results = tmp_path / "new" / "results"
    (tmp_path / "user").mkdir()
    text = tmp_path / "user" / "text.txt"
    text.write_text("one two three\n\nfour five six\n")
    measures = [{"name": "perplexity", "text": str(text)}, {"name": "generation", "prompts": ["hello"]}]
    profile = small_profile(name="Attn.Noise_1", measure=measures)
    run = create(profile, results, source=tmp_path / "p.toml")
    assert re.fullmatch(r"\d{8}-\d{4}-attn-noise-1-[0-9a-f]{4}", run.name)
    assert read_manifest(run)["source"] == str(tmp_path / "p.toml")
    keys = [trial.key for trial in trials(profile)]
    text.write_text("something else\n")
    moved = results / "moved"
    run.rename(moved)
    copy = read_profile(moved)
    assert [trial.key for trial in trials(copy, moved)] == keys
    assert copy.run.threads == 1


def test_find(tmp_path: Path) -> None:
    fake(tmp_path, "20260101-1000-noise-aaaa", "20260102-1000-noise-bbbb", "20260101-1200-noise-aaaa-more", "imported")
    (tmp_path / "not-a-run").mkdir()
    (tmp_path / "a-file").write_text("")
    assert find("bbbb", tmp_path).name == "20260102-1000-noise-bbbb"
    assert find("20260101-1000-noise-aaaa", tmp_path).name == "20260101-1000-noise-aaaa"
    assert find(str(tmp_path / "imported"), Path("elsewhere")) == tmp_path / "imported"
    with pytest.raises(LesionError, match=r"'noise' fits 3 runs .*noise-bbbb, .*; give more of the name"):
        find("noise", tmp_path)
    for missing in ("nothing", ""):
        with pytest.raises(LesionError, match=r"there is no run .*it holds .*imported"):
            find(missing, tmp_path)
    with pytest.raises(LesionError, match="not a run directory"):
        find(str(tmp_path / "not-a-run"), tmp_path)
    with pytest.raises(LesionError, match="it holds no runs yet"):
        find("last", tmp_path / "missing")


def test_at_most_five_candidates_are_listed(tmp_path: Path) -> None:
    fake(tmp_path, *(f"2026010{i}-1000-many" for i in range(1, 8)))
    with pytest.raises(LesionError) as caught:
        find("many", tmp_path)
    assert str(caught.value).count("-many") == 5
    assert "and 2 more" in str(caught.value)


def test_last_is_the_newest_by_the_time_in_its_name_samples_included(tmp_path: Path) -> None:
    fake(tmp_path, "20260103-0900-new", "20260101-1000-old", "samples/20250101-1000-shipped")
    assert find("last", tmp_path).name == "20260103-0900-new"
    assert find("shipped", tmp_path).parent.name == "samples"
    assert [run.path.name[:8] for run in summaries(tmp_path)] == ["20260103", "20260101", "20250101"]


def test_results_path_is_a_file(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.write_text("")
    for use in (
        lambda: create(small_profile(), results, source=None),
        lambda: create(small_profile(), results / "below", source=None),
        lambda: summaries(results),
        lambda: find("x", results),
    ):
        with pytest.raises(LesionError, match=r"^the results path \S+ is a file.*: give a folder$"):
            use()


def test_results_folder_cannot_be_written() -> None:
    with pytest.raises(LesionError, match=r"^the results folder /proc/results cannot be written: \D+$"):
        create(small_profile(), Path("/proc/results"), source=None)


def test_run_without_a_profile(run: Path) -> None:
    fill(run, 2)
    (run / "profile.toml").unlink()
    for use in (lambda: read_profile(run), lambda: start(run)):
        with pytest.raises(LesionError, match=r"holds no profile\.toml"):
            use()
    [line] = summaries(run.parent)
    assert line.fault is not None
    assert "holds no profile.toml" in line.fault
    assert (line.done, line.name) == (2, run.name)


def test_run_with_a_damaged_profile(run: Path) -> None:
    (run / "profile.toml").write_text("name = \n[model")
    for use in (lambda: read_profile(run), lambda: start(run)):
        with pytest.raises(LesionError, match=r"profile\.toml"):
            use()
    [line] = summaries(run.parent)
    assert "profile.toml is damaged" in str(line.fault)


def test_run_whose_files_are_folders(run: Path) -> None:
    """A journal that cannot be opened, whoever asks."""
    (run / "trials.jsonl").mkdir()
    for use in (lambda: status(run), lambda: start(run)):
        with pytest.raises(LesionError, match=r"trials\.jsonl.*directory"):
            use()
    [line] = summaries(run.parent)
    assert "trials.jsonl" in str(line.fault)


def test_stopping_what_does_not_run(run: Path) -> None:
    with pytest.raises(LesionError, match="not running"):
        stop(run)
    with pytest.raises(LesionError, match="not running"):
        stop(run, now=True)
