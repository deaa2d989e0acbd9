"""Choosing a device and reading how full memory is."""

import os
import subprocess
import sys

import psutil
import pytest

from engine.errors import LesionError
from engine.runs.devices import MemoryMeter, choose


def has_gpu() -> bool:
    try:
        return subprocess.run(["nvidia-smi", "-L"], capture_output=True).stdout.startswith(b"GPU")
    except FileNotFoundError:
        return False


def test_auto_is_settled_and_all_else_left_alone() -> None:
    assert choose("auto") in (("cpu", "cuda") if has_gpu() else ("cpu",))
    assert choose("cuda:1") == "cuda:1"
    assert choose("cpu") == "cpu"


def test_memory_of_the_host() -> None:
    child = subprocess.Popen([sys.executable, "-c", "x = bytearray(10**8); print(); input()"], stdin=-1, stdout=-1)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        [ram] = MemoryMeter("cpu").sample([child.pid, 2**22 + 1])  # a process that is gone counts for nothing
    finally:
        child.kill()
        child.communicate()
    assert ram.name == "RAM"
    assert ram.total == psutil.virtual_memory().total
    assert ram.worker is not None
    assert 10**8 < ram.worker < 3 * 10**8
    assert ram.worker < ram.used < ram.total


def test_memory_of_gpus() -> None:
    if not has_gpu():
        with pytest.raises(LesionError, match="GPUs cannot be listed"):
            MemoryMeter("cuda")
        return
    [_, gpu, *_] = MemoryMeter("cuda").sample([os.getpid()])
    assert gpu.name.startswith("cuda:0 ")
    assert 0 < gpu.used < gpu.total
