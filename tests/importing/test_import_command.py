"""lesion import: what it makes looks like our own runs to every command, and a mistake is a sentence and makes
nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import runs
from engine.runs.importing import bring_in
from tests.importing import study

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def lesion(tmp_path: Path) -> Callable[..., Done]:
    """The real command, with results in a folder of the test's own."""

    def run(*arguments: str | Path) -> Done:
        words = [sys.executable, "-m", "app.cli", *map(str, arguments), "--results", str(tmp_path / "results")]
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    return run


def made(done: Done) -> Path:
    """The one run that an import printed."""
    assert done.returncode == 0, done.stderr
    [run] = done.stdout.splitlines()
    return Path(run)


def test_listed_charted_and_exported(lesion: Callable[..., Done], tmp_path: Path) -> None:
    done = lesion("import", study.mechanism(tmp_path))
    run = made(done)
    assert "imported 9 trials (attack-study)" in done.stderr
    assert "note: seeds are the numbers of the study's runs" in done.stderr
    [row] = lesion("results").stdout.splitlines()[1:]
    assert row.split()[:3] == [run.name, "imported", "9/9"]
    [summary] = json.loads(lesion("results", "--json").stdout)
    assert (summary["state"], summary["imported"], summary["methods"]) == ("done", 9, ["catalyst"])
    chart = lesion("chart", run.name)
    assert chart.returncode == 0, chart.stderr
    assert "published_perplexity: as published: labels shifted twice" in chart.stdout
    table = lesion("export", run.name).stdout.splitlines()
    assert len(table) == 10
    assert "rank_reduction_pct" in table[0].split(",")


def test_what_was_imported_cannot_be_run(lesion: Callable[..., Done], tmp_path: Path) -> None:
    run = made(lesion("import", study.mechanism(tmp_path)))
    for command in ("resume", "replay"):
        done = lesion(command, run.name)
        assert (done.returncode, done.stdout) == (2, "")
        [sentence] = done.stderr.splitlines()
        assert f"run {run.name} was imported" in sentence
    done = lesion("run", run / "profile.toml")
    assert done.returncode == 2
    assert "measure.0: these figures come from another program's files" in done.stderr
    assert len(list((tmp_path / "results").iterdir())) == 1


def test_the_same_twice_is_refused_unless_asked_for(lesion: Callable[..., Done], tmp_path: Path) -> None:
    root = study.mechanism(tmp_path)
    first = made(lesion("import", root))
    moved = root.rename(tmp_path / "elsewhere")
    done = lesion("import", moved)
    assert done.returncode == 2
    assert f"is imported already, as run {first.name}; --again" in done.stderr
    assert made(lesion("import", moved, "--again")) != first
    twice = lesion("import", study.shield(tmp_path), study.shield(tmp_path / "copy"))
    assert twice.returncode == 2
    assert len(list((tmp_path / "results").iterdir())) == 2


def test_unknown_files_are_named(lesion: Callable[..., Done], tmp_path: Path) -> None:
    root = study.mechanism(tmp_path)
    (root / "README.md").write_text("hello")
    done = lesion("import", root, "--json")
    assert f"not imported, of no known format: {root / 'README.md'}" in done.stderr
    [told] = json.loads(done.stdout)
    assert told["trials"] == 9
    done = lesion("import", root / "README.md")
    assert done.returncode == 2
    assert "is in no format that can be imported" in done.stderr


def cut_config(root: Path) -> None:
    path = next(root.rglob("config.json"))
    path.write_text(path.read_text()[:80])


def cut_lines(root: Path) -> None:
    path = next(root.rglob("metrics.jsonl"))
    path.write_text(path.read_text()[:-200])


def cut_short(root: Path) -> None:
    path = next(root.rglob("metrics.jsonl"))
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))


def cut_table(root: Path) -> None:
    path = next(root.rglob("aggregate*.csv"))
    path.write_text(path.read_text()[:-12])


def lost_column(root: Path) -> None:
    path = next(root.rglob("aggregate*.csv"))
    path.write_text(path.read_text().replace("post_attack_rank,", ""))


def wrong_type(root: Path) -> None:
    path = next(root.rglob("metrics.jsonl"))
    path.write_text(path.read_text().replace("55918.441707909056", '"many"'))


def wrong_steps(root: Path) -> None:
    path = next(root.rglob("config.json"))
    path.write_text(path.read_text().replace('"num_steps": 100', '"num_steps": NaN'))


def odd_name(root: Path) -> None:
    next(root.rglob("metrics.jsonl")).parent.rename(root / "raw_data" / "copy of run 1")


def not_utf8(root: Path) -> None:
    next(root.rglob("metrics.jsonl")).write_bytes(b"\xff\xfe\x00")


def no_lines(root: Path) -> None:
    next(root.rglob("metrics.jsonl")).write_text("")


def deep(root: Path) -> None:
    next(root.rglob("config.json")).write_text("[" * 100_000)


def huge(root: Path) -> None:
    os.truncate(next(root.rglob("metrics.jsonl")), 600_000_000)


def link(root: Path) -> None:
    path = next(root.rglob("metrics.jsonl"))
    path.rename(path.with_name("kept.txt"))
    path.symlink_to("kept.txt")


def pipe(root: Path) -> None:
    path = next(root.rglob("metrics.jsonl"))
    path.unlink()
    os.mkfifo(path)


DAMAGES: dict[Callable[[Path], None], str] = {
    cut_config: "is not whole JSON",
    cut_lines: "is not whole JSON",
    cut_short: "has no 'post_attack_effective_rank': the run broke off",
    cut_table: "has 3 cells, where 4 are named",
    lost_column: "has no column 'post_attack_rank'",
    wrong_type: "has 'many' as its 'post_attack_perplexity', where a number is expected",
    wrong_steps: "has 'nan' as its 'num_steps', where a whole number is expected",
    odd_name: "whose name does not tell which",
    not_utf8: "is not a text file in UTF-8",
    no_lines: "is empty",
    deep: "too deep",
    huge: "is larger than 500 MB",
    link: "is a symbolic link",
    pipe: "is a named pipe",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_files_are_a_sentence_and_nothing_is_made(
    damage: Callable[[Path], None], lesion: Callable[..., Done], tmp_path: Path
) -> None:
    whole, root = study.healing(tmp_path), study.mechanism(tmp_path)
    damage(root)
    done = lesion("import", whole, root)
    assert (done.returncode, done.stdout) == (2, "")
    [sentence] = done.stderr.splitlines()
    assert DAMAGES[damage] in sentence
    assert not (tmp_path / "results").exists()


def test_nan_and_infinity_are_figures(tmp_path: Path) -> None:
    root = study.mechanism(tmp_path)
    path = root / "raw_data" / "pythia_410m_pythia-410m_run01_fp16" / "metrics.jsonl"
    path.write_text(path.read_text().replace("55918.441707909056", "NaN").replace("263.2499694824219", "Infinity"))
    [one] = bring_in([root], tmp_path / "results").runs
    record = next(record for record in runs.read_trials(one.run) if not record.baseline)
    assert str(record.metrics["published_perplexity"]) == "nan"
    assert str(record.metrics["published_spectral_gap"]) == "inf"
