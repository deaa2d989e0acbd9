"""Which device a run computes on, and how full the memory of host and devices is. Nothing here loads torch."""

import os
from importlib import metadata
from typing import Any

import psutil

from engine.errors import LesionError
from engine.runs.host import main_memory


def choose(asked: str) -> str:
    """The device that "auto" stands for here: cuda where there is a GPU and a torch that can use it, else cpu.

    Any other name is returned as it is.
    """
    if asked != "auto":
        return asked
    try:
        return "cuda" if _torch_sees_gpus() and _Nvidia().handles else "cpu"
    except _nvidia_error():
        return "cpu"


class MemoryMeter:
    """Samples of memory in use: the host's, and with a cuda run each visible GPU's."""

    def __init__(self, device: str) -> None:
        """Raises LesionError when the GPUs cannot be asked; a meter for "cpu" always works."""
        self._nvidia = None
        if device.startswith("cuda"):
            try:
                self._nvidia = _Nvidia()
            except _nvidia_error() as error:
                raise LesionError(f"GPU memory cannot be shown: {error}") from error

    def sample(self, workers: list[int]) -> list[dict[str, Any]]:
        """One entry a device: name, used and total bytes, and the bytes held by the processes `workers`."""
        free, total = main_memory()
        used = {"used": total - free, "total": total, "worker": sum(map(_resident, workers))}
        return [{"name": "RAM", **used}, *(self._nvidia.sample(workers) if self._nvidia else [])]


class _Nvidia:
    """The GPUs of the NVIDIA driver that are visible to torch, in torch's order."""

    def __init__(self) -> None:
        import pynvml

        self._nvml = pynvml
        pynvml.nvmlInit()
        every = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        self.handles = _visible(every, [_text(pynvml.nvmlDeviceGetUUID(handle)) for handle in every])

    def sample(self, workers: list[int]) -> list[dict[str, Any]]:
        found = []
        for index, handle in enumerate(self.handles):
            memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
            name = _text(self._nvml.nvmlDeviceGetName(handle)).removeprefix("NVIDIA ")
            held = sum(
                process.usedGpuMemory or 0
                for process in self._nvml.nvmlDeviceGetComputeRunningProcesses(handle)
                if process.pid in workers
            )
            found.append({"name": f"cuda:{index} {name}", "used": memory.used, "total": memory.total, "worker": held})
        return found


def _visible(handles: list[Any], uuids: list[str]) -> list[Any]:
    """The devices that CUDA_VISIBLE_DEVICES leaves, in its order; like CUDA, up to the first entry that fits none."""
    setting = os.environ.get("CUDA_VISIBLE_DEVICES")
    if setting is None:
        return handles
    chosen = []
    for entry in setting.split(","):
        fits = [index for index, uuid in enumerate(uuids) if entry.strip() in (str(index), uuid)]
        if not fits:
            break
        chosen.append(handles[fits[0]])
    return chosen


def _torch_sees_gpus() -> bool:
    try:
        return not metadata.version("torch").endswith("+cpu")
    except metadata.PackageNotFoundError:
        return False


def _nvidia_error() -> tuple[type[Exception], ...]:
    try:
        from pynvml import NVMLError
    except ImportError:
        return (ImportError,)
    return (NVMLError, ImportError)


def _resident(process: int) -> int:
    try:
        return int(psutil.Process(process).memory_info().rss)
    except psutil.Error:
        return 0


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
