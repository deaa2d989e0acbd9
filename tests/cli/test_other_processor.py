"""A run repeated on a processor of another vector width, as torch can be told to take this one for."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine import runs
from tests.cli.conftest import Lesion


def test_a_repetition_at_another_vector_width(lesion: Lesion, profile: Callable[..., Path], tmp_path: Path) -> None:
    """No equal bits are asked for, and that is said; at the same width they are."""
    here = torch.backends.cpu.get_cpu_capability()
    if here == "DEFAULT":
        pytest.skip("torch has one width only on this processor")
    more = '[[measure]]\nname = "generation"\nlimit = 4\nmax_new_tokens = 16\n\n[run]'
    results = ("--results", tmp_path / "results")
    done = lesion("run", profile("[run]", more), "--json", *results, ATEN_CPU_CAPABILITY="default")
    assert done.returncode == 0, done.stderr
    run = Path(json.loads(done.stdout)["run"])
    worker = runs.read_manifest(run)["workers"]["cpu"]
    assert worker["vectors"] == "DEFAULT"
    assert worker["settings"]["ATEN_CPU_CAPABILITY"] == "default"
    same = lesion("replay", run, "--verify", *results, ATEN_CPU_CAPABILITY="default")
    assert same.returncode == 0, same.stderr
    assert "equal bit for bit: 4 trials and 16 texts compared" in same.stderr
    other = lesion("replay", run, "--verify", *results)
    assert other.returncode == 0, other.stderr
    assert f"note: the vector width differs: DEFAULT and {here}" in other.stderr
    assert "equal up to rounding: 4 trials and 16 texts compared" in other.stderr
