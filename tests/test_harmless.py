"""Cells of CSV files: what a spreadsheet would compute, and what a terminal would act on, is text."""

import csv
import io
import json
import math
from pathlib import Path

import pytest

from engine import analysis
from engine.harmless import csv_cell, utf8
from engine.record.findings import Sheet, as_csv
from tests.hostile import acting


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'␉=1"),
        ("\r=1", "'␍=1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("-0.5", "-0.5"),
        ("-inf", "-inf"),
        ("+1e3", "+1e3"),
        (-0.5, -0.5),
        (None, None),
        ("attn_only[0-1]", "attn_only[0-1]"),
        ("a\x1b[2Jb\nc", "a␛[2Jb␊c"),
        ("\x9b\u202e\ud800", "‹U+009B›‹U+202E›‹U+D800›"),
    ],
)
def test_a_cell(value: object, cell: object) -> None:
    assert csv_cell(value) == cell


def test_half_characters_are_written_by_number() -> None:
    assert utf8("a\ud800漢") == "a\\ud800漢"
    assert math.isnan(utf8(math.nan))


def test_an_exported_table(make_hostile_run: Path) -> None:
    buffer = io.BytesIO()
    analysis.export(make_hostile_run, "csv", buffer)
    text = buffer.getvalue().decode()
    assert not acting(text)
    names, row = csv.reader(io.StringIO(text))
    assert names[8:10] == ["status", "part"]
    assert [name for name in names if "metric" in name] == ["'=metric", "'=metric_change_pct"]
    assert row[2:6] == ["'@model", "35700", "'-2+3", "'=HYPERLINK(1)"]
    assert float(row[6]) == -0.5  # numbers stay numbers
    buffer = io.BytesIO()
    analysis.export(make_hostile_run, "json", buffer)
    [kept] = json.loads(buffer.getvalue())
    assert kept["group"] == "=HYPERLINK(1)"


@pytest.fixture
def make_hostile_run(tmp_path: Path) -> Path:
    record = {"v": 1, "trial": "0" * 16, "index": 0, "model": "@model", "baseline": False, "method": "-2+3"}
    record |= {"group": "=HYPERLINK(1)", "layers": None, "level": -0.5, "seed": 42, "status": "ok"}
    record |= {"metrics": {"=metric": 1.0}, "parameters": 35_700, "error": None}
    (tmp_path / "trials.jsonl").write_text(json.dumps(record) + "\n")
    return tmp_path


def test_a_table_of_an_artifact(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(as_csv(Sheet(("rank", "=column"), [(1, "=a.weight"), (2, -0.5)])), newline="")
    with (tmp_path / "table.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["rank", "'=column"], ["1", "'=a.weight"], ["2", "-0.5"]]
