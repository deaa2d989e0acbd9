"""A run directory written by hand, as small as the analysis allows."""

import json
from pathlib import Path
from typing import Any, Protocol

import pytest

from engine.record.trials import TrialRecord


def record(index: int, **given: Any) -> dict[str, Any]:
    """The line of one trial; what is not given belongs to a damaged petri-16k at level 0.5."""
    damaged = not given.get("baseline", False)
    told: dict[str, Any] = {
        "trial": f"{index:016x}",
        "index": index,
        "model": "petri-16k",
        "baseline": False,
        "method": "mult_gauss" if damaged else "none",
        "group": "attn_only" if damaged else None,
        "level": 0.5 if damaged else None,
        "seed": 42,
        "status": "ok",
        "metrics": {"perplexity": 20.0},
        "parameters": 35700,
    }
    return TrialRecord(**(told | given)).encode()


class MakeRun(Protocol):
    """Writes a run of these records, in the order given, and returns its directory."""

    def __call__(self, *records: dict[str, Any], name: str = ...) -> Path: ...


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    def make(*records: dict[str, Any], name: str = "20261121-1432-by-hand-0000") -> Path:
        run = tmp_path / name
        run.mkdir()
        (run / "trials.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
        return run

    return make
