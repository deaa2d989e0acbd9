"""Which device a run computes on, and how full the memory of host and devices is. Nothing here loads torch."""

from importlib import metadata

import psutil

from engine.errors import LesionError
from engine.record.events import MemoryUse
from engine.runs import gpus
from engine.runs.host import main_memory


def choose(asked: str) -> str:
    """The device that "auto" stands for here: cuda where a GPU is visible and torch is made for GPUs, else cpu.

    Any other name is returned as it is.
    """
    if asked != "auto":
        return asked
    try:
        return "cuda" if _torch_uses_gpus() and gpus.seen() else "cpu"
    except LesionError:
        return "cpu"


class MemoryMeter:
    """Samples of memory in use: the host's, and with a cuda run each visible GPU's."""

    def __init__(self, device: str) -> None:
        """Raises LesionError when the GPUs cannot be asked; a meter for "cpu" always works."""
        self._gpus = gpus.seen() if device.startswith("cuda") else []

    def sample(self, workers: list[int]) -> tuple[MemoryUse, ...]:
        """One entry a device, `worker` being the bytes held by the processes `workers`."""
        free, total = main_memory()
        main = MemoryUse(name="RAM", used=total - free, total=total, worker=sum(map(_resident, workers)))
        return (main, *(self._sample(index, workers) for index in range(len(self._gpus))))

    def _sample(self, index: int, workers: list[int]) -> MemoryUse:
        gpu = self._gpus[index]
        free, total = gpus.memory(gpu)
        name = f"cuda:{index} {gpu.name}"
        return MemoryUse(name=name, used=total - free, total=total, worker=gpus.held(gpu, workers))


def _torch_uses_gpus() -> bool:
    try:
        return not metadata.version("torch").endswith("+cpu")
    except metadata.PackageNotFoundError:
        return False


def _resident(process: int) -> int:
    try:
        return int(psutil.Process(process).memory_info().rss)
    except psutil.Error:
        return 0
