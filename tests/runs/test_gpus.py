"""Which GPUs CUDA_VISIBLE_DEVICES leaves, on listings made by hand, and what a driver made by hand tells of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.runs.gpus import Gpu, visible
from engine.runs.processes import environment
from tests.driver import DRIVER

PLAIN = [Gpu("GPU-1a2b"), Gpu("GPU-1a9f"), Gpu("GPU-77c0")]
PARTED = [
    Gpu("GPU-1a2b", slices=(Gpu("MIG-aaaa"), Gpu("MIG-abbb"))),
    Gpu("GPU-77c0", slices=(Gpu("MIG-cccc"),)),
]


def seen(every: list[Gpu], setting: str | None) -> str:
    return " ".join(gpu.uuid for gpu in visible(every, setting))


@pytest.mark.parametrize(
    ("setting", "uuids"),
    [
        (None, "GPU-1a2b GPU-1a9f GPU-77c0"),
        ("", ""),
        ("0,2", "GPU-1a2b GPU-77c0"),
        ("2,0", "GPU-77c0 GPU-1a2b"),
        (" 1 , 0", "GPU-1a9f GPU-1a2b"),
        ("GPU-77c0", "GPU-77c0"),
        ("GPU-7", "GPU-77c0"),
        ("GPU-7,GPU-1a9", "GPU-77c0 GPU-1a9f"),
        ("GPU-1a", ""),  # two begin so
        ("GPU-77,GPU-1a,GPU-1a9f", "GPU-77c0"),
        ("-1", ""),
        ("1,-1,0", "GPU-1a9f"),
        ("1,7,0", "GPU-1a9f"),
        ("NoDevFiles", ""),
        ("0,GPU-77c0", "GPU-1a2b"),  # one kind of names or the other
        ("GPU-77c0,0", "GPU-77c0"),
        ("0,0", ""),
        ("GPU-77,GPU-77c0", ""),
        ("1st,2nd", "GPU-1a9f GPU-77c0"),  # as strtoul reads numbers
        ("MIG-aaaa", ""),
    ],
)
def test_what_the_variable_leaves(setting: str | None, uuids: str) -> None:
    assert seen(PLAIN, setting) == uuids


@pytest.mark.parametrize(
    ("setting", "uuids"),
    [
        (None, "MIG-aaaa"),
        ("0", "MIG-aaaa"),
        ("1", "MIG-cccc"),
        ("GPU-77c0", "MIG-cccc"),
        ("MIG-cccc", "MIG-cccc"),
        ("MIG-abbb,MIG-cccc", "MIG-abbb"),
        ("MIG-a", ""),
        ("MIG-dddd", ""),
        ("", ""),
    ],
)
def test_of_slices_a_process_sees_one(setting: str | None, uuids: str) -> None:
    assert seen(PARTED, setting) == uuids


def test_a_gpu_in_mig_mode_without_slices_is_none() -> None:
    assert seen([Gpu("GPU-1", slices=()), Gpu("GPU-2")], None) == "GPU-2"


SAMPLE = """
from engine.runs.devices import MemoryMeter
for one in MemoryMeter("cuda").sample([7])[1:]:
    print(one.name, one.used, one.total, one.worker, sep=", ")
"""


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH with a driver's library that lists three GPUs."""
    (tmp_path / "pynvml.py").write_text(DRIVER)
    return tmp_path


def samples(driver: Path, setting: str) -> list[str]:
    known = {**environment(), "CUDA_VISIBLE_DEVICES": setting}
    known["PYTHONPATH"] = os.pathsep.join(filter(None, [str(driver), known.get("PYTHONPATH")]))
    done = subprocess.run([sys.executable, "-c", SAMPLE], env=known, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_memory_is_that_of_the_gpus_which_are_seen_in_their_order(driver: Path) -> None:
    assert samples(driver, "2,0") == ["cuda:0 Fast, 600, 2000, 300", "cuda:1 Slow, 100, 1000, 0"]
    assert samples(driver, "MIG-a") == ["cuda:0 Cut MIG 1g, 50, 500, 0"]


def test_cuda_counts_as_the_driver_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in ("FASTEST_FIRST", "PCI_BUS_ID"):
        monkeypatch.setenv("CUDA_DEVICE_ORDER", setting)
        assert environment()["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
