"""What is written survives, and what a crash leaves half written is cut off."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import LesionError
from engine.record.lines import WriteError, complete_lines, complete_size, encode, last_line, parse, write_whole
from engine.runs import read_generations, read_tolerant, read_trials
from engine.runs.journal import Journal
from tests.runs.conftest import fill, text_records, trial_record


def raw(run: Path) -> tuple[bytes, bytes]:
    return (run / "trials.jsonl").read_bytes(), (run / "generations.jsonl").read_bytes()


def test_numbers_survive(run: Path) -> None:
    numbers = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": 0.1 + 0.2, "e": 5e-324, "f": 1e308, "g": -0.0, "h": 3}
    fill(run, 1, metrics=numbers)
    line = (run / "trials.jsonl").read_text()
    assert json.loads(line, parse_constant=pytest.fail)["metrics"]["a"] == "nan"
    assert '"b":"inf","c":"-inf"' in line
    read = read_trials(run)[0].metrics
    assert {name: repr(value) for name, value in read.items()} == {n: repr(value) for n, value in numbers.items()}


def test_texts_with_any_character_stay_on_one_line() -> None:
    text = "".join(map(chr, [0, 7, 10, 13, 27, 34, 92, 0x85, 0x2028, 0x1F600, 0xD800, 0xFFFF]))
    line = encode({"text": text, "deep": [{"x": math.nan}]})
    assert line.count(b"\n") == 1
    assert parse(line) == {"text": text, "deep": [{"x": "nan"}]}


def test_torn_tails_are_dropped_on_reading_and_cut_off_on_resume(run: Path) -> None:
    grid = fill(run, 3)
    whole = raw(run)
    for torn in (b"{", encode(trial_record(grid[3]).encode())[:-1], b"\0" * 5000, b"x" * 200_000):
        for name in ("trials.jsonl", "generations.jsonl", "events.jsonl"):
            with (run / name).open("ab") as file:
                file.write(torn)
        assert len(read_trials(run)) == 3
        assert len(read_generations(run)) == 6
        assert read_tolerant(run)[1] == []
        Journal(run).close()
        assert raw(run) == whole
        assert (run / "events.jsonl").read_bytes() == b""


def test_crash_after_any_byte_of_a_commit(run: Path) -> None:
    """Texts are written before their trial's line: wherever that breaks off, all is there afterwards or nothing."""
    grid = fill(run, 3)
    before = raw(run)
    texts = b"".join(encode(text.encode()) for text in text_records(grid[3]))
    line = encode(trial_record(grid[3]).encode())
    for count in {*range(0, len(texts + line), 7), len(texts) - 1, len(texts), len(texts) + 1, len(texts + line)}:
        written = (texts + line)[:count]
        (run / "generations.jsonl").write_bytes(before[1] + written[: len(texts)])
        (run / "trials.jsonl").write_bytes(before[0] + written[len(texts) :])
        whole = count == len(texts + line)
        assert len(read_trials(run)) == 3 + whole
        assert len(read_generations(run)) == 6 + 2 * whole
        Journal(run).close()
        assert raw(run) == ((before[0] + line, before[1] + texts) if whole else before)


def test_rubbish_after_the_last_commit_is_cut_off(run: Path) -> None:
    """What a power cut makes of a file's end: blocks of zeros, and lines that are none."""
    grid = fill(run, 3)
    before = raw(run)
    texts = b"".join(encode(text.encode()) for text in text_records(grid[3]))
    (run / "generations.jsonl").write_bytes(before[1] + texts + b"\0" * 4096 + b"\n" + texts[:9])
    Journal(run).close()
    assert raw(run) == before


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"{not json}", "is not a JSON object"),
        (b'"text"', "is not a JSON object"),
        (b"\xff\xfe", "is not a JSON object"),
        (b'{"v":1,"status":"ok","metrics":{}}', "names no trial"),
        (b'{"v":1,"trial":"x"}', "has no usable 'index'"),
        (b'{"v":9,"trial":"x","status":"ok","metrics":{}}', "is of version 9, and this Lesion reads up to 1"),
    ],
)
def test_corrupt_line_in_the_middle(run: Path, bad: bytes, says: str) -> None:
    grid = fill(run, 3)
    lines = (run / "trials.jsonl").read_bytes().splitlines()
    (run / "trials.jsonl").write_bytes(b"\n".join([lines[0], bad, lines[2], b""]))
    for strict in (read_trials, Journal):
        with pytest.raises(LesionError) as caught:
            strict(run)
        sentence = str(caught.value)
        assert "trials.jsonl, line 2, " + says in sentence
        assert "delete that line" in sentence
        assert "\n" not in sentence
    records, faults = read_tolerant(run)
    assert [record.trial for record in records] == [grid[0].key, grid[2].key]
    assert len(faults) == 1


def test_deleting_the_corrupt_line_mends_the_run(run: Path) -> None:
    """The trial of the deleted line counts as not run: its texts go, so that running it again leaves each text once."""
    grid = fill(run, 3)
    lines = (run / "trials.jsonl").read_bytes().splitlines(keepends=True)
    (run / "trials.jsonl").write_bytes(lines[0] + lines[2])
    journal = Journal(run)
    assert [remark.split(":")[0] for remark in journal.remarks] == ["generations.jsonl"]
    journal.commit(trial_record(grid[1]), text_records(grid[1]))
    journal.close()
    assert sorted(record.trial for record in read_trials(run)) == sorted(trial.key for trial in grid[:3])
    assert [text.trial for text in read_generations(run)] == [grid[i].key for i in (0, 0, 2, 2, 1, 1)]


def test_corrupt_text_in_the_middle(run: Path) -> None:
    fill(run, 3)
    path = run / "generations.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"{\n", *lines[3:]]))
    for strict in (read_generations, Journal):
        with pytest.raises(LesionError, match=r"generations\.jsonl, line 4, is not a JSON object"):
            strict(run)


def test_of_a_trial_recorded_twice_the_first_counts(run: Path) -> None:
    grid = fill(run, 2)
    again = trial_record(grid[0], metrics={"perplexity": 99.0})
    with (run / "trials.jsonl").open("ab") as file:
        file.write(encode(again.encode()))
    assert [record.metrics["perplexity"] for record in read_trials(run)] == [1.5, 2.5]
    records, faults = read_tolerant(run)
    assert len(records) == 2
    assert faults == [f"{run / 'trials.jsonl'}, line 3, repeats the trial of line 1, which is the one that counts"]
    journal = Journal(run)
    assert journal.remarks == faults
    journal.close()


def test_latest_batches_are_kept_by_model(run: Path) -> None:
    grid = fill(run, 1, batch={"perplexity": 8, "generation": 40})
    journal = Journal(run)
    journal.commit(trial_record(grid[1], batch={"perplexity": 4, "generation": 40}), [])
    journal.commit(trial_record(grid[2], batch={}), [])
    assert journal.batches() == {"petri-16k": {"perplexity": 4, "generation": 40}}
    journal.close()


def test_reading_lines(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert list(complete_lines(path)) == []
    assert (complete_size(path), last_line(path)) == (0, b"")
    path.write_bytes(b"a\nbc\ntorn")
    assert list(complete_lines(path)) == [(b"a\n", 2), (b"bc\n", 5)]
    assert list(complete_lines(path, 2)) == [(b"bc\n", 5)]
    assert list(complete_lines(path, 99)) == []
    assert last_line(path) == b"bc"
    for window in (1, 2, 3, 100):
        assert complete_size(path, window) == 5
    path.write_bytes(b"torn")
    assert (complete_size(path, 2), last_line(path)) == (0, b"")


def test_failing_write_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """In a process whose files may not grow past 100 bytes: a real failure of the system call used."""
    script = """
import resource, sys
from pathlib import Path
from engine.record.lines import LineFile, WriteError
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
file = LineFile(Path(sys.argv[1]))
file.append([{"trial": "x"}], sync=True)
try:
    file.append([{"trial": "y" * 200}], sync=True)
except WriteError as error:
    print(error)
"""
    path = tmp_path / "run" / "trials.jsonl"
    path.parent.mkdir()
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "trials.jsonl of run run could not be written, disk full (File too large): free space, then lesion resume run\n"
    )
    assert path.read_bytes() == encode({"trial": "x"})


def test_write_whole_replaces_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text("old")
    with path.open() as reader:
        write_whole(path, b"new")
        assert reader.read() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(WriteError, match="could not be written"):
        write_whole(tmp_path / "missing" / "file", b"")
