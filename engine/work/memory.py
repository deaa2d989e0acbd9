"""Running out of memory, and how much was used."""

import gc
import resource
import sys
from pathlib import Path

import psutil
import torch
from torch.nn import Module

from engine.runs.host import main_memory

_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


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
    """The most memory in use since this object was made, in bytes, on the devices that a model lies on.

    On CUDA what PyTorch had allocated on each device, added up over the devices; on the CPU the resident size of the
    process (see `_Resident`).
    """

    def __init__(self, *devices: torch.device) -> None:
        self._counters = [_Allocated(device) if device.type == "cuda" else _Resident() for device in devices]
        self._before = [0] * len(devices)

    def bytes(self) -> int:
        """The peak so far."""
        self._take()
        return sum(self._before)

    def share(self) -> float:
        """The largest share, from 0 to 1, of a device's memory that was in use at once since this was last asked, by
        this process and by others, as far as they use it now. Of several devices the fullest one's."""
        self._take()
        return max(map(_share, self._counters))

    def _take(self) -> None:
        self._before = [max(pair) for pair in zip(self._before, (c.most() for c in self._counters), strict=True)]


def devices_of(model: Module) -> list[torch.device]:
    """The devices that the weights of a model lie on, each once."""
    return list(dict.fromkeys(parameter.device for parameter in model.parameters()))


def _share(counter: "_Allocated | _Resident") -> float:
    most, held = counter.most(), counter.held()
    free, total = free_and_total(counter.device)
    counter.restart()
    return (total - free - held + most) / total


class _Allocated:
    """What PyTorch allocates on a GPU."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.restart()

    def restart(self) -> None:
        """Count anew from here."""
        torch.cuda.reset_peak_memory_stats(self.device)

    def most(self) -> int:
        """The most bytes at once since the last restart."""
        return int(torch.cuda.max_memory_allocated(self.device))

    def held(self) -> int:
        """What this process holds of the device's memory now, used or not."""
        return int(torch.cuda.memory_reserved(self.device))


class _Resident:
    """The resident size of this process.

    Where the system cannot start counting anew (anything but Linux, and Linux in some containers), a peak that does not
    pass the one of the process's whole life is seen only as far as it lasts: at the restart and when asked.
    """

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Count anew from here."""
        try:
            _CLEAR_REFS.write_text("5")  # 5: start the resident size's high-water mark again
            self._restarts = _high_water_mark() is not None
        except OSError:
            self._restarts = False
        self._life, self._seen = _peak_of_life(), self.held()

    def most(self) -> int:
        """The most bytes at once since the last restart, as far as they can be told."""
        if self._restarts and (mark := _high_water_mark()) is not None:
            return mark
        self._seen = max(self._seen, self.held())
        life = _peak_of_life()
        return max(life, self._seen) if life > self._life else self._seen

    def held(self) -> int:
        """The resident size now."""
        return int(psutil.Process().memory_info().rss)


def _high_water_mark() -> int | None:
    """The most bytes of this process that were resident since that was started again; None where nobody tells."""
    try:
        status = _STATUS.read_text()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), None)


def _peak_of_life() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
