"""The cache beside a journal: whatever becomes of it, the table is what the journal says."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from engine.record import segments
from engine.record.columns import METRIC
from engine.record.directory import LONG
from engine.record.growing_table import GrowingTable, read_columns
from engine.record.lines import encode
from engine.record.records import read_tolerant, read_trials
from tests.analysis.conftest import record
from tests.cli.conftest import ROOT
from tests.test_files import ODD, link

LINES = [encode(record(place, seed=place // 7, metrics={"perplexity": place / 7, "nll": 1.0})) for place in range(9000)]
WHOLE = b"".join(LINES)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose journal is worth a cache, which it does not have yet."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "trials.jsonl").write_bytes(b"".join(LINES[:6000]))
    return run


def cached(run: Path) -> int:
    """Bytes of the journal that its cache stands for."""
    chain = segments.load(run, (run / "trials.jsonl").stat().st_size)
    return chain[-1].told.end if chain else 0


def right(run: Path) -> pa.Table:
    """The table, which says what the journal says."""
    table = read_columns(run)
    records = read_trials(run)
    assert table["trial"].to_pylist() == [one.trial for one in records]
    assert table[METRIC + "perplexity"].to_pylist() == [one.metrics["perplexity"] for one in records]
    assert table["start"].to_pylist()[-1] < (run / "trials.jsonl").stat().st_size
    return table


def test_what_was_read_is_kept_and_used(run: Path) -> None:
    first = right(run)
    assert cached(run) == (run / "trials.jsonl").stat().st_size > LONG
    [segment] = segments.load(run, 10**9)
    forged = segment.table.set_column(2, "trial", pa.array([f"{place}" for place in range(6000)]))
    assert segments.save(run, forged, segment.told)
    assert read_columns(run)["trial"].to_pylist()[-1] == "5999"  # so the journal was not parsed
    [old] = (run / ".table").iterdir()
    old.unlink()
    assert right(run).equals(first)


def test_a_short_journal_has_none(tmp_path: Path) -> None:
    (tmp_path / "trials.jsonl").write_bytes(b"".join(LINES[:100]))
    right(tmp_path)
    assert not (tmp_path / ".table").exists()


def test_it_grows_with_the_journal_in_few_files(run: Path) -> None:
    journal = run / "trials.jsonl"
    watching = GrowingTable(run)
    for count in range(100, len(LINES), 100):
        journal.write_bytes(b"") if count == 100 else None
        with journal.open("ab") as file:
            file.write(b"".join(LINES[count - 100 : count]))
        watching.look()
        if count % 2500 == 0:
            assert right(run).equals(watching.table)
    assert cached(run) > len(WHOLE) - 2 * LONG
    assert len(list((run / ".table").iterdir())) < 6
    (run / ".table" / ".0-1.arrow.dead.new").write_text("half")
    os.utime(run / ".table" / ".0-1.arrow.dead.new", (1e9, 1e9))
    journal.write_bytes(b"".join(LINES[:3000]))  # another, of the same inode
    assert right(run).num_rows == 3000
    journal.write_bytes(WHOLE)
    right(run)
    assert watching.look() or watching.table.num_rows == len(LINES)
    assert not list((run / ".table").glob(".*.new"))


def test_a_journal_that_was_edited_has_the_say(run: Path) -> None:
    right(run)
    journal = run / "trials.jsonl"
    content = journal.read_bytes()
    for old, new in ((b'"perplexity":1.0}', b'"perplexity":2.0}'), (LINES[7], b""), (LINES[5999], b"")):
        journal.write_bytes(content.replace(old, new, 1))
        right(run)
    journal.write_bytes(content[:-40])  # torn
    assert right(run).num_rows == 5999


def test_odd_lines_are_said_the_same_from_the_cache(run: Path) -> None:
    journal = run / "trials.jsonl"
    with journal.open("ab") as file:
        file.write(LINES[3] + b"nonsense\n" + b"".join(LINES[6000:]) + LINES[8000] + b'{"v":9}\n')
    expected = read_tolerant(run)[1]
    for _ in range(3):
        growing = GrowingTable(run)
        growing.look()
        assert growing.faults + growing.repeats == expected
        assert growing.table.num_rows == 9000
        assert cached(run)


def _flipped(place: float) -> Callable[[Path], None]:
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[int(place * (len(content) - 1))] ^= 0x41
        path.write_bytes(content)

    return flip


def _told(**changes: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        line, _, content = path.read_bytes().partition(b"\n")
        plain = json.loads(line)
        path.write_bytes(json.dumps({**plain, **changes}).encode() + b"\n" + content)

    return change


DAMAGES: dict[str, Callable[[Path], None]] = {
    **{f"byte at {place}": _flipped(place) for place in (0, 0.001, 0.01, 0.3, 0.7, 0.99, 1)},
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "noise": lambda path: _write(path, os.urandom(5000)),
    "another version": _told(v=0),
    "a later version": _told(v=2),
    "another Lesion": _told(engine="0.0.1"),
    "odd fields": _told(pieces=7),
    "no pieces": _told(pieces=[]),
    "other pieces": _told(pieces=[{"end": 10, "digest": "00"}]),
    "negative": _told(start=-1),
    "another name": lambda path: _rename(path, "0-1000000.arrow"),
    "gone": lambda path: path.unlink(),
}


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _rename(path: Path, name: str) -> None:
    path.rename(path.with_name(name))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_cache_costs_only_time(run: Path, damage: Callable[[Path], None]) -> None:
    first = right(run)
    [path] = (run / ".table").iterdir()
    damage(path)
    assert cached(run) == 0
    assert right(run).equals(first)
    assert cached(run) == (run / "trials.jsonl").stat().st_size  # and it is made anew


def test_a_cache_that_holds_another_kind_of_table(run: Path) -> None:
    first = right(run)
    [segment] = segments.load(run, 10**9)
    for table in (
        pa.table({"a": [1]}),
        first.drop_columns("cell"),
        first.drop_columns(METRIC + "nll"),
        first.set_column(6, "level", pa.array(["x"] * 6000)),
        first.set_column(7, "cell", pa.array(["{}"] * 6000).dictionary_encode()),
        first.set_column(3, "index", pa.array([None] * 6000, pa.int64())),
    ):
        assert segments.save(run, table, segment.told)
        assert cached(run) == 0
        assert right(run).equals(first)


@pytest.mark.parametrize("odd", ODD)
def test_something_odd_in_its_place(run: Path, odd: Callable[[Path], None]) -> None:
    (run.parent / "outside").write_text("precious")
    odd(run / ".table")
    right(run)
    right(run)
    assert (run.parent / "outside").read_text() == "precious"


def test_a_link_to_a_folder_is_not_followed(run: Path) -> None:
    outside = run.parent / "outside"
    outside.mkdir()
    (outside / "0-5.arrow").write_text("precious")
    (run / ".table").symlink_to(outside)
    right(run)
    right(run)
    assert [path.name for path in outside.iterdir()] == ["0-5.arrow"]


def test_a_link_in_place_of_a_segment_is_replaced(run: Path) -> None:
    right(run)
    [path] = (run / ".table").iterdir()
    precious = run.parent / "outside"
    path.rename(precious)
    content = precious.read_bytes()
    link(path)
    right(run)
    assert not path.is_symlink()
    assert precious.read_bytes() == content


LOOK = """
import sys
from pathlib import Path
from engine.record.directory import LONG
from engine.record.growing_table import read_columns
for _ in range(int(sys.argv[2])):
    print(read_columns(Path(sys.argv[1])).num_rows, flush=True)
"""


def looking(run: Path, times: int, **given: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", LOOK, str(run), str(times)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **given)  # type: ignore[call-overload, no-any-return]


def test_processes_that_read_and_write_it_at_once(run: Path) -> None:
    journal = run / "trials.jsonl"
    others = [looking(run, 25) for _ in range(3)]
    for start in range(6000, 9000, 250):
        with journal.open("ab") as file:
            file.write(b"".join(LINES[start : start + 250]))
        assert read_columns(run).num_rows == start + 250
    for other in others:
        said, _ = other.communicate()
        counts = [int(count) for count in said.split()]
        assert other.returncode == 0
        assert len(counts) == 25
        assert counts == sorted(counts)
    right(run)
    assert cached(run) > len(WHOLE) - 2 * LONG


def test_a_limit_on_the_size_of_files(run: Path) -> None:
    limited = looking(run, 2, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
    assert limited.communicate()[0] == "6000\n6000\n"
    assert list((run / ".table").iterdir()) == []
    right(run)
    assert cached(run)


@pytest.mark.parametrize("options", ["ro", "size=4m"])
def test_a_disk_that_takes_nothing(run: Path, options: str) -> None:
    """Read-only, or with no room to spare."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("user namespaces are not permitted here")
    disk = run.parent / "disk"
    disk.mkdir()
    script = f"""
        mount -t tmpfs none {disk} && cp -a {run} {disk}/ && mount -o remount,{options} {disk} || exit 77
        "$@" && ls -a {disk}/run
    """
    look = [sys.executable, "-c", LOOK, str(disk / "run"), "2"]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", *look], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode == 77:
        pytest.skip("mounting is not permitted here")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["6000", "6000", ".", "..", "trials.jsonl"]
