"""The real command in a process of its own, and runs to point it at."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-m", "app.cli"]
ROOT = Path(__file__).parents[2]

Lesion = Callable[..., subprocess.CompletedProcess[str]]
WriteProfile = Callable[..., Path]


@pytest.fixture
def lesion() -> Lesion:
    """Run `lesion` with these arguments from the repository's root; `environment` is added to the process's own."""

    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def profile(tmp_path: Path) -> WriteProfile:
    """Write the profile of a small run, with a text replaced in it."""

    def write(old: str = "", new: str = "") -> Path:
        text = SMALL.replace(old, new) if old else SMALL
        assert not old or text != SMALL, f"{old} is not in the profile"
        path = tmp_path / "small.toml"
        path.write_text(text)
        return path

    return write


SMALL = """
name = "small"

[model]
names = ["petri-16k"]
device = "cpu"

[[damage]]
method = "mult_gauss"
groups = ["attn_only"]
levels = [0.5]

[seeds]
count = 2

[[measure]]
name = "perplexity"
documents = 2

[run]
threads = 1
"""


@pytest.fixture
def scaled_run(tmp_path: Path) -> Path:
    """A run written by hand: three models whose perplexity is 10^6 / parameters · (1 + level), one level broken."""
    run = tmp_path / "results" / "20261121-1432-scaled-0000"
    run.mkdir(parents=True)
    records: list[dict[str, Any]] = []
    for model, parameters in (("petri-16k", 10**4), ("petri-60k", 10**5), ("petri-250k", 10**6)):
        for level in (None, 0.0, 1.0, 2.0):
            broken = level == 2.0 and model == "petri-16k"
            records.append(
                {
                    "v": 1,
                    "trial": f"{len(records):016x}",
                    "index": len(records),
                    "model": model,
                    "baseline": level is None,
                    "method": "none" if level is None else "mult_gauss",
                    "group": None if level is None else "attn_only",
                    "layers": None,
                    "level": level,
                    "seed": 42,
                    "status": "ok",
                    "metrics": {"perplexity": "inf" if broken else 1e6 / parameters * (1 + (level or 0.0))},
                    "parameters": parameters,
                    "error": None,
                }
            )
    (run / "trials.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return run
