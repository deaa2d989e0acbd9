"""What a run notes of what it was made with."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import LesionError
from engine.profile import versions
from engine.record.manifest import WorkerFacts
from engine.runs import create, manifest, read_manifest
from engine.runs.manifest import PACKAGES
from tests.runs.conftest import small_profile

CPU: WorkerFacts = {"torch": "2", "threads": 2, "vectors": "AVX2", "settings": {}}


def begun(folder: Path) -> Path:
    """A run that has started once."""
    run = create(small_profile(), folder, source=None)
    again(run)
    return run


def again(run: Path) -> list[str]:
    noted = versions(small_profile())
    return manifest.start(run, noted, devices=["cpu"], threads=1, trust_remote_code=False)


def test_versions_packages_and_workers_are_noted(tmp_path: Path) -> None:
    run = begun(tmp_path)
    assert manifest.add_worker(run, "cpu", CPU) == []
    whole = read_manifest(run)
    assert whole["versions"] == versions(small_profile())
    assert whole["versions"].keys() == {"draws", "sampler", "measurement perplexity", "measurement generation"}
    assert whole["workers"] == {"cpu": CPU}
    assert whole["packages"].keys() == set(PACKAGES)
    assert {"numba", "bitsandbytes"} <= {name for name, version in whole["packages"].items() if version}
    assert whole["packages"]["mamba-ssm"] is None
    assert again(run) == []
    assert "changed" not in read_manifest(run)["started"][-1]


def test_a_worker_that_computes_otherwise_is_noted_and_said(tmp_path: Path) -> None:
    run = begun(tmp_path)
    manifest.add_worker(run, "cpu", CPU)
    again(run)
    other: WorkerFacts = {**CPU, "vectors": "AVX512", "settings": {"MKL_CBWR": "AVX2"}}
    assert manifest.add_worker(run, "cpu", other) == [
        "the processor's vector width differs from the first start: AVX512, not AVX2",
        "MKL_CBWR differs from the first start: AVX2, not none",
    ]
    whole = read_manifest(run)
    assert whole["workers"] == {"cpu": CPU}
    changed = {"vectors": "AVX512", "settings": {"MKL_CBWR": "AVX2"}}
    assert whole["started"][-1]["changed"] == {"workers": {"cpu": changed}}


def test_of_a_package_that_was_not_noted_nothing_is_said(tmp_path: Path) -> None:
    """As in the manifests of an earlier Lesion."""
    run = begun(tmp_path)
    whole = read_manifest(run)
    known = {"torch": "1.0", "numpy": whole["packages"]["numpy"]}
    (run / "manifest.json").write_text(json.dumps({**whole, "packages": known}))
    assert again(run) == [f"torch differs from the first start: {whole['packages']['torch']}, not 1.0"]


@pytest.mark.parametrize("field", ["versions", "packages", "models", "workers", "started", "left_out", "additions"])
@pytest.mark.parametrize("odd", [None, 3, "x", True, [1], {"a": [1]}])
def test_a_manifest_of_another_making_is_damaged(tmp_path: Path, field: str, odd: Any) -> None:
    run = begun(tmp_path)
    whole = read_manifest(run) | {field: odd}
    (run / "manifest.json").write_text(json.dumps(whole))
    if field == "additions" and isinstance(odd, dict):
        assert again(run)
        return
    with pytest.raises(LesionError, match=rf"manifest\.json is damaged: its '{field}' is not what Lesion writes there"):
        again(run)


@pytest.mark.parametrize("changed", [3, "x", {"versions": []}, {"workers": {"cpu": 1}}])
def test_a_start_of_another_making_is_damage_too(tmp_path: Path, changed: Any) -> None:
    run = begun(tmp_path)
    whole = read_manifest(run)
    whole["started"][-1]["changed"] = changed
    (run / "manifest.json").write_text(json.dumps(whole))
    with pytest.raises(LesionError, match="its 'started' is not"):
        manifest.earlier(run)
