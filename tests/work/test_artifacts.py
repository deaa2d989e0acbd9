"""Artifacts of trials: written beside the journal by a real worker, named in the record, the same every time."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.measure.measurement import Measured, Sheet
from engine.profile import parse, trials
from engine.runs.artifacts import keep
from engine.work.artifacts import as_json, written

MEASURES = [
    {"name": "gains", "limit": 2},
    {"name": "residual_gain", "label": "late", "limit": 2},
    {"name": "spectrum", "documents": 2, "layers": "0-1"},
    {"name": "tasks", "limit": 4},
    {"name": "perplexity", "documents": 2},
]


def test_each_measurement_leaves_its_file(worker: Callable[..., Any], tmp_path: Path) -> None:
    spec = parse(
        {
            "name": "artifacts",
            "model": {"names": ["petri-16k"]},
            "damage": [{"method": "mult_gauss", "groups": ["attn_only"], "levels": [0.0]}],
            "measure": MEASURES,
        },
        "test",
        tmp_path,
    )
    baseline, neutral = trials(spec, tmp_path)
    serving = worker(spec)
    records = [serving.run(trial)["record"] for trial in (baseline, neutral)]
    assert [record["status"] for record in records] == ["ok", "ok"], records
    assert records[0]["metrics"] == records[1]["metrics"]
    assert {"mlp_gain_last", "late.residual_gain", "effective_rank", "accuracy", "nll"} <= records[0]["metrics"].keys()
    keys = ["gains", "late.residual_gain", "spectrum", "tasks"]
    contents = []
    for trial, record in zip((baseline, neutral), records, strict=True):
        assert record["artifacts"] == [f"artifacts/{trial.key}-{key}.json" for key in keys]
        found = [json.loads((tmp_path / name).read_text()) for name in record["artifacts"]]
        assert [(what.pop("trial"), what["label"]) for what in found] == [
            (trial.key, label) for label in (None, "late", None, None)
        ]
        contents.append(found)
    assert contents[0] == contents[1]
    gains, residual, spectrum, tasks = contents[0]
    assert len(gains["mlp"]) == len(gains["attention"]) == len(residual["gains"])
    assert gains["mlp"][-1] == records[0]["metrics"]["mlp_gain_last"]
    assert [layer["layer"] for layer in spectrum["layers"]] == [0, 1]
    assert len(tasks["questions"]) == 4
    assert not list((tmp_path / "artifacts").glob(".*"))


def test_an_earlier_attempt_is_replaced_and_numbers_survive(tmp_path: Path) -> None:
    [name] = files = {"artifacts/key-gains.json": as_json({"mlp": [1.0] * 1000})}
    keep(tmp_path, files)
    keep(tmp_path, {name: as_json({"mlp": [math.nan, math.inf, 0.1]})})
    assert json.loads((tmp_path / name).read_text()) == {"mlp": ["nan", "inf", 0.1]}
    assert len(list((tmp_path / "artifacts").iterdir())) == 1


def test_tables_become_csv_files_beside_the_json(tmp_path: Path) -> None:
    sheet = Sheet(("name", "value"), [("a, b", 0.1), (None, math.nan), ("é", -math.inf), (3, 1 / 3)])
    found = Measured({}, artifact={"k": 1}, tables={"top": sheet, "empty": Sheet(("only",), [])})
    files = written({"trial": "key"}, "late.ranking", found)
    keep(tmp_path, files)
    names = list(files)
    assert names == [f"artifacts/key-late.ranking{end}" for end in (".json", "-top.csv", "-empty.csv")]
    assert json.loads((tmp_path / names[0]).read_text()) == {"trial": "key", "k": 1}
    rows = (tmp_path / names[1]).read_bytes().decode()
    assert rows == 'name,value\n"a, b",0.1\n,nan\né,-inf\n3,0.3333333333333333\n'
    assert (tmp_path / names[2]).read_text() == "only\n"
    keep(tmp_path, files)
    assert len(list((tmp_path / "artifacts").iterdir())) == 3
