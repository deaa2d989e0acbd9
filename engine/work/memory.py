"""Running out of memory, and how much was used."""

import gc
import resource
import sys
from pathlib import Path

import psutil
import torch

from engine.runs.host import main_memory


def release(device: torch.device) -> None:
    """Give back what is no longer referenced."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def free_and_total(device: torch.device) -> tuple[int, int]:
    """Bytes of the device's memory that are free, and that it has: the GPU's, or for the CPU what the host or the
    container leaves."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return int(free), int(total)
    return main_memory()


def free_and_total_of_all() -> tuple[int, int]:
    """Bytes of memory that are free on all GPUs together, and that they have."""
    every = [free_and_total(torch.device("cuda", index)) for index in range(torch.cuda.device_count())]
    return sum(free for free, _ in every), sum(total for _, total in every)


class Peak:
    """The most memory in use since this object was made, in bytes.

    On CUDA what PyTorch had allocated on the device; on the CPU the resident size of the process. Where the system
    cannot start counting anew (anything but Linux), the CPU figure is the peak of the process's whole life.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before = 0
        self._restart()

    def bytes(self) -> int:
        """The peak so far."""
        return max(self._before, self._since())

    def share(self) -> float:
        """The largest share, from 0 to 1, of the device's memory that was in use at once since this was last asked, by
        this process and by others, as far as they use it now."""
        since = self._since()
        self._before = max(self._before, since)
        free, total = free_and_total(self._device)
        others = total - free - _held(self._device)
        self._restart()
        return (others + since) / total

    def _restart(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        elif sys.platform == "linux":
            Path("/proc/self/clear_refs").write_text("5")  # 5: start the resident size's high-water mark again

    def _since(self) -> int:
        if self._device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self._device))
        if sys.platform == "linux":
            status = Path("/proc/self/status").read_text()
            return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _held(device: torch.device) -> int:
    """What this process holds of the device's memory now."""
    if device.type == "cuda":
        return int(torch.cuda.memory_reserved(device))
    return int(psutil.Process().memory_info().rss)
