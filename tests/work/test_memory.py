"""How much memory was used: on hosts that do not let a process count anew, and on several GPUs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from torch.nn import Linear, Sequential

from engine.profile import trials
from engine.work import memory
from engine.work.memory import Peak, devices_of
from tests.work.test_worker import profile

MIB = 2**20
CPU = torch.device("cpu")

HIDDEN = """
import sys
def refuse(event, arguments):
    if event == "open" and arguments[0] in {hidden}:
        raise {error}
sys.addaudithook(refuse)
"""


@pytest.mark.parametrize(
    ("hidden", "error"),
    [
        (("/proc/self/clear_refs",), PermissionError(13, "Permission denied")),
        (("/proc/self/clear_refs", "/proc/self/status"), FileNotFoundError(2, "No such file or directory")),
    ],
)
def test_a_worker_runs_where_its_peak_cannot_be_counted_anew(
    worker: Callable[..., Any], tmp_path: Path, hidden: tuple[str, ...], error: OSError
) -> None:
    spec = profile(tmp_path)
    process = worker(spec, HIDDEN.format(hidden=hidden, error=repr(error)))
    for trial in trials(spec, tmp_path)[:2]:
        record = process.run(trial)["record"]
        assert record["status"] == "ok"
        assert record["peak_bytes"] > 50 * MIB


@pytest.fixture(params=["as this system tells", "no clear_refs", "no VmHWM"])
def told(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system tells of a process's peak."""
    if request.param == "no clear_refs":
        monkeypatch.setattr(memory, "_CLEAR_REFS", tmp_path / "nowhere" / "clear_refs")
    elif request.param == "no VmHWM":
        (tmp_path / "status").write_text("Name:\tpython\nVmRSS:\t    1000 kB\n")
        monkeypatch.setattr(memory, "_STATUS", tmp_path / "status")


@pytest.mark.usefixtures("told")
def test_the_resident_peak_holds_what_was_seen_and_forgets_what_was_before() -> None:
    np.ones(400 * MIB, np.uint8)  # long gone
    peak, before = Peak(CPU), psutil.Process().memory_info().rss
    assert peak.bytes() < before + 100 * MIB
    held = np.ones(300 * MIB, np.uint8)
    assert peak.bytes() > before + 250 * MIB
    assert 0 < peak.share() <= 1
    del held
    assert peak.bytes() > before + 250 * MIB
    assert Peak(CPU).bytes() < before + 200 * MIB


GPUS = {"cuda:0": (6_000, 10_000), "cuda:1": (1_000, 20_000)}
"""Bytes free and in all."""


@pytest.fixture
def allocated(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """Two GPUs as torch tells of them: by device the most bytes allocated since the last reset, and those reserved."""
    now = {"cuda:0": [1_000, 1_500], "cuda:1": [8_000, 9_000]}
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: GPUS[str(device)])
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: now[str(device)][0])
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: now[str(device)][1])
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: now[str(device)].__setitem__(0, 0))
    return now


def test_a_model_over_two_gpus_is_watched_on_both(allocated: dict[str, list[int]]) -> None:
    peak = Peak(torch.device("cuda:0"), torch.device("cuda:1"))
    allocated["cuda:0"][0], allocated["cuda:1"][0] = 2_000, 8_500
    assert peak.bytes() == 2_000 + 8_500
    # Used by others now, with the most of ours: 10 000 - 6 000 - 1 500 + 2 000, and 20 000 - 1 000 - 9 000 + 8 500
    assert peak.share() == pytest.approx(max(4_500 / 10_000, 18_500 / 20_000))
    allocated["cuda:0"][0], allocated["cuda:1"][0] = 5_000, 100
    assert peak.share() == pytest.approx(max(7_500 / 10_000, 10_100 / 20_000))
    assert peak.bytes() == 5_000 + 8_500


def test_a_model_is_watched_where_its_weights_lie() -> None:
    model = Sequential(Linear(2, 2), Linear(2, 2, device="meta"), Linear(2, 2))
    assert devices_of(model) == [CPU, torch.device("meta")]
