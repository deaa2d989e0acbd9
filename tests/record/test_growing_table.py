"""Trials read as columns, held against the same lines read one by one; and a table that grows with its file."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from engine.errors import LesionError
from engine.profile import Where
from engine.record.columns import METRIC, cells_of
from engine.record.growing_table import GrowingTable, read_columns
from engine.record.lines import encode
from engine.record.records import read_tolerant, read_trials
from engine.record.trials import TrialRecord
from tests.analysis.conftest import record

ODD: list[dict[str, Any]] = [
    {"baseline": True},
    {"metrics": {"perplexity": "nan", "nll": "-inf", "kl": math.inf, "touched": 3, "gone": None}},
    {"metrics": {"large": 2**53 + 1, "larger": -(2**90), "flag": True, "tiny": 5e-324}},
    {"metrics": {"nll": 1.0, "perplexity": 2}},  # in another order, and whole
    {"status": "oom", "metrics": {}, "level": 0},
    {"options": {"n": 2**80}},
    {"options": {"n": 2**80 + 1}},  # the same as a float
    {"layers": "0-5", "heads": [1, 3], "select": {"by": "top_k", "k": 100, "score": "magnitude"}},
    {"layers": [7], "before": [{"method": "none", "group": "all", "level": 0.5}]},
    {"seed": -(2**63), "index": 2**63 - 1, "parameters": None},
    {"model": "/somewhere/é\u2028/model", "method": "=1+1"},
]


def made(folder: Path, lines: list[bytes]) -> Path:
    (folder / "trials.jsonl").write_bytes(b"".join(lines))
    return folder


def told(run: Path) -> list[dict[str, Any]]:
    """What the columns say of every trial."""
    trials = read_columns(run)
    codes, cells = cells_of(trials)
    named = [name for name in trials.column_names if name.startswith(METRIC)]
    rows = []
    for row, code in zip(trials.to_pylist(), codes, strict=True):
        cell = cells[code]
        metrics = {name.removeprefix(METRIC): row[name] for name in named if row[name] is not None}
        ints = {name for name, whole in zip(cell.metrics, cell.whole, strict=True) if whole}
        assert set(metrics) == set(cell.metrics)
        rows.append(
            {name: row[name] for name in ("trial", "index", "seed", "level")}
            | {name: getattr(cell, name) for name in ("model", "params", "baseline", "method", "status", "group")}
            | {"metrics": {name: int(metrics[name]) if name in ints else metrics[name] for name in cell.metrics}}
        )
    return rows


def expected(one: TrialRecord) -> dict[str, Any]:
    names = ("trial", "index", "seed", "level", "model", "baseline", "method", "status", "metrics")
    told = {name: getattr(one, name) for name in names} | {"params": one.parameters, "group": Where.of(one).label}
    return told | {"level": None if one.level is None else float(one.level)}


def test_columns_say_what_the_records_say(tmp_path: Path) -> None:
    run = made(tmp_path, [encode(record(place) | given) for place, given in enumerate(ODD)])
    rows = told(run)
    for row, one in zip(rows, read_trials(run), strict=True):
        assert repr(sorted(row.items())) == repr(sorted(expected(one).items()))
    assert rows[5]["group"] != rows[6]["group"]


def test_numbers_and_texts_that_only_pythons_parser_reads(tmp_path: Path) -> None:
    plain = record(0)
    literal = json.dumps(plain | {"metrics": {"perplexity": math.nan, "nll": math.inf}}).encode() + b"\n"
    beyond = json.dumps(record(1)).replace('"perplexity": 20.0', '"perplexity": 1e999').encode() + b"\n"
    half = json.dumps(record(2, trial="half \ud800", model="\udfff")).encode() + b"\n"
    run = made(tmp_path, [literal, beyond, half])
    first, second, third = told(run)
    assert (math.isnan(first["metrics"]["perplexity"]), first["metrics"]["nll"]) == (True, math.inf)
    assert second["metrics"] == {"perplexity": math.inf}
    assert (third["trial"], third["model"]) == ("half \\ud800", "\\udfff")  # as UTF-8 can hold it


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[1]",
        b"",
        b'{"trial":7}',
        encode(record(1) | {"v": 10**30})[:-1],
        encode(record(1) | {"v": 1.0})[:-1],
        encode(record(1) | {"seed": 2**64})[:-1],
        encode(record(1) | {"parameters": 10**25})[:-1],
        encode(record(1) | {"metrics": {"nll": "much"}})[:-1],
        encode(record(1) | {"status": "fine"})[:-1],
    ],
)
def test_a_bad_line_is_said_as_by_the_reader_of_records(tmp_path: Path, line: bytes) -> None:
    run = made(tmp_path, [encode(record(0)), line + b"\n", encode(record(2)), encode(record(0))])
    with pytest.raises(LesionError) as strict:
        read_trials(run)
    with pytest.raises(LesionError) as columns:
        read_columns(run)
    assert str(columns.value) == str(strict.value)
    growing = GrowingTable(run)
    assert growing.look()
    records, sentences = read_tolerant(run)
    assert growing.faults + growing.repeats == sentences
    assert growing.table["trial"].to_pylist() == [one.trial for one in records]


def test_a_table_grows_with_its_file_and_begins_anew_with_another(tmp_path: Path) -> None:
    lines = [encode(record(place, metrics={f"m{place % 3}": 1.0})) for place in range(40)]
    growing = GrowingTable(made(tmp_path, []))
    assert not growing.look()
    assert growing.table.num_rows == 0
    for end in range(1, 40, 3):
        with (tmp_path / "trials.jsonl").open("wb" if end == 1 else "ab") as file:
            file.write(b"".join(lines[max(0, end - 3) : end]))
            file.flush()
            assert growing.look()
            file.write(lines[end][:30])  # torn, for now
            file.flush()
            assert not growing.look()
            file.truncate(sum(map(len, lines[:end])))
        assert growing.table["line"].to_pylist() == list(range(1, end + 1))
    content = (tmp_path / "trials.jsonl").read_bytes()
    starts = growing.table["start"].to_pylist()
    assert [content[start:].split(b"\n")[0] + b"\n" for start in starts] == lines[: len(starts)]
    assert growing.table.equals(read_columns(tmp_path))
    with (tmp_path / "trials.jsonl").open("ab") as file:
        file.write(lines[3])
    assert growing.look()
    assert growing.table.num_rows == len(starts)
    assert growing.repeats == read_tolerant(tmp_path)[1]
    made(tmp_path, lines[:2])
    assert growing.look()
    assert (growing.table.num_rows, growing.repeats) == (2, [])
    made(tmp_path, lines[5:9])  # longer than it was
    assert growing.look()
    assert growing.table["trial"].to_pylist() == [f"{place:016x}" for place in range(5, 9)]
    (tmp_path / "trials.jsonl").unlink()
    growing.look()
    assert growing.table.num_rows == 0


def test_a_line_longer_than_a_block(tmp_path: Path) -> None:
    long = record(1, options={"text": "x" * 20_000_000})
    run = made(tmp_path, [encode(record(0)), encode(long), encode(record(2))])
    assert read_columns(run)["line"].to_pylist() == [1, 2, 3]
