"""Exported files, read back with other readers than the one that wrote them."""

import csv
import io
import json
import math
from pathlib import Path
from typing import NoReturn

import pandas as pd
import pyarrow.parquet as pq
import pytest

from engine import analysis
from engine.errors import LesionError
from tests.analysis.conftest import MakeRun, record

COLUMNS = [
    "run", "trial", "model", "params", "method", "group", "level", "seed", "status",
    "part", "layer", "layers", "heads", "experts", "select", "score", "options", "before", "then",
    "perplexity", "perplexity_change_pct",
]  # fmt: skip


@pytest.fixture
def run(make_run: MakeRun) -> Path:
    return make_run(
        record(0, baseline=True, metrics={"perplexity": 10.0}),
        record(1, level=0, metrics={"perplexity": "nan"}),
        record(2, level=0.1 + 0.2, metrics={"perplexity": "inf"}),
        record(3, status="failed", metrics={}),
    )


def exported(run: Path, form: str) -> bytes:
    buffer = io.BytesIO()
    assert analysis.export(run, form, buffer) == 4
    return buffer.getvalue()


def test_csv_keeps_nan_inf_and_nothing_apart(run: Path) -> None:
    baseline, nan, inf, failed = csv.DictReader(io.StringIO(exported(run, "csv").decode()))
    assert list(baseline) == COLUMNS
    assert (baseline["method"], baseline["group"], baseline["level"]) == ("none", "", "")
    assert (nan["perplexity"], inf["perplexity"], failed["perplexity"]) == ("nan", "inf", "")
    assert float(nan["level"]) == 0.0
    assert float(inf["level"]) == 0.1 + 0.2  # every digit


def test_csv_opens_in_pandas(run: Path) -> None:
    frame = pd.read_csv(io.BytesIO(exported(run, "csv")))
    assert frame["perplexity"].tolist()[2] == math.inf
    assert frame["perplexity"].isna().tolist() == [False, True, False, True]


def test_json_is_valid_and_says_nan_in_words(run: Path) -> None:
    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is no JSON")

    rows = json.loads(exported(run, "json"), parse_constant=refuse)
    assert [list(row) for row in rows] == [COLUMNS] * 4
    assert [row["perplexity"] for row in rows] == [10.0, "nan", "inf", None]
    assert rows[0]["level"] is None


def test_parquet_has_true_floats(run: Path) -> None:
    table = pq.read_table(io.BytesIO(exported(run, "parquet")))
    assert table.column_names == COLUMNS
    _, nan, inf, failed = table["perplexity"].to_pylist()
    assert math.isnan(nan)
    assert inf == math.inf
    assert failed is None
    assert str(table.schema.field("params").type) == "int64"
    assert table["level"].to_pylist()[0] is None


def test_a_file_that_cannot_be_written_is_named(run: Path, tmp_path: Path) -> None:
    with pytest.raises(LesionError, match=r"cannot write .*missing"):
        analysis.export(run, "csv", tmp_path / "missing" / "trials.csv")
    with pytest.raises(LesionError, match="unknown format 'xlsx'"):
        analysis.export(run, "xlsx", tmp_path / "trials.xlsx")


def test_a_corrupt_line_is_named(run: Path) -> None:
    journal = run / "trials.jsonl"
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join([lines[0], lines[1][:20], *lines[2:]]) + "\n")
    with pytest.raises(LesionError, match=r"trials.jsonl, line 2"):
        analysis.table(run)
