"""The manifest's types: what was written before is written back byte for byte, and what we add is checked."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.record.manifest import (
    Manifest,
    ModelFacts,
    Surroundings,
    WorkerFacts,
    checked,
    read_manifest,
    write_manifest,
)
from engine.runs.manifest import surroundings
from tests.record.test_records import RUNS


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_it_is_written_back_byte_for_byte(run: Path, tmp_path: Path) -> None:
    before = (run / "manifest.json").read_bytes()
    shutil.copy(run / "manifest.json", tmp_path)
    write_manifest(tmp_path, read_manifest(tmp_path))
    assert (tmp_path / "manifest.json").read_bytes() == before
    checked(Manifest, read_manifest(run))


def test_keys_of_later_versions_and_odd_facts_stay(tmp_path: Path) -> None:
    odd = '{\n  "mood": [\n    1\n  ],\n  "threads": "two",\n  "v": 1\n}\n'
    (tmp_path / "manifest.json").write_text(odd)
    write_manifest(tmp_path, read_manifest(tmp_path))
    assert (tmp_path / "manifest.json").read_text() == odd


@pytest.mark.parametrize(
    ("cls", "noted", "says"),
    [
        (Surroundings, {"cores": "two"}, r"Surroundings\.cores is 'two', where count or null is expected"),
        (ModelFacts, {"digest": 3}, r"ModelFacts\.digest is 3"),
        (WorkerFacts, {"gpus": [{"name": 1}]}, r"WorkerFacts\.gpus is \[\{'name': 1\}\]"),
        (Manifest, {"started": [{"changed": "x"}]}, r"Manifest\.started is"),
    ],
)
def test_what_we_write_is_checked(cls: type[Any], noted: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        checked(cls, noted)


def test_what_is_noted_of_this_host_is_sound() -> None:
    found = checked(Surroundings, surroundings())
    assert json.loads(json.dumps(found)) == found
