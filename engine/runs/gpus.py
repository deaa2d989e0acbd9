"""The GPUs that a run sees here: what the NVIDIA driver lists, as far as CUDA_VISIBLE_DEVICES leaves it.

They are counted in the order of the bus, as nvidia-smi does and as CUDA does in Lesion's processes (see
engine.runs.processes), whatever the speeds of the GPUs.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import LesionError

SETTING = "CUDA_VISIBLE_DEVICES"

_NUMBER = re.compile(r"[+-]?\d+")


@dataclass(frozen=True)
class Gpu:
    """One GPU, or one MIG slice of one, as the driver lists it. `slices`: those of a GPU in MIG mode, which runs
    nothing as a whole; None for any other."""

    uuid: str
    name: str = ""
    slices: tuple["Gpu", ...] | None = None
    handle: Any = field(default=None, compare=False)


def listed() -> list[Gpu]:
    """All GPUs of this host. Raises LesionError where the driver cannot be asked."""
    import pynvml

    try:
        pynvml.nvmlInit()
        return [_gpu(pynvml, pynvml.nvmlDeviceGetHandleByIndex(n)) for n in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError as error:
        raise LesionError(f"GPUs cannot be listed: {error}") from error


def visible(every: Sequence[Gpu], setting: str | None) -> list[Gpu]:
    """Those of the listed GPUs that CUDA shows a process, in its order: cuda:0, cuda:1, ….

    `setting` is the value of CUDA_VISIBLE_DEVICES, None where it is unset: numbers in the order of the bus, or the
    first letters of UUIDs (GPU-… or MIG-…), separated by commas. As in CUDA the first entry that means no GPU, or more
    than one, ends the list, a GPU that is named twice leaves none at all, and of all MIG slices a process sees one.
    """
    chosen = list(every) if setting is None else _chosen(every, setting)
    shown: list[Gpu] = []
    for gpu in chosen:
        usable = gpu if gpu.slices is None else next(iter(gpu.slices), None)
        if usable is None or (_is_slice(usable) and any(map(_is_slice, shown))):
            continue
        shown.append(usable)
    return shown


def seen() -> list[Gpu]:
    """The GPUs that a run would see here. Raises LesionError as `listed` does."""
    return visible(listed(), os.environ.get(SETTING))


def driver() -> str | None:
    """The version of the NVIDIA driver; None where it cannot be asked."""
    try:
        import pynvml

        pynvml.nvmlInit()
        return _text(pynvml.nvmlSystemGetDriverVersion())
    except Exception:  # whatever a driver's library raises must not end a run
        return None


def memory(gpu: Gpu) -> tuple[int, int]:
    """Bytes of its memory that are free, and that it has. Raises LesionError where the driver does not tell."""
    import pynvml

    try:
        info = pynvml.nvmlDeviceGetMemoryInfo(gpu.handle)
    except pynvml.NVMLError as error:
        raise LesionError(f"the memory of {gpu.name or gpu.uuid} cannot be read: {error}") from error
    return int(info.free), int(info.total)


def held(gpu: Gpu, processes: Sequence[int]) -> int:
    """Bytes of its memory that these processes hold, as far as the driver tells."""
    import pynvml

    try:
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(gpu.handle)
    except pynvml.NVMLError:  # of a slice not everyone may ask that
        return 0
    return sum(process.usedGpuMemory or 0 for process in running if process.pid in processes)


def _chosen(every: Sequence[Gpu], setting: str) -> list[Gpu]:
    entries = [entry.strip() for entry in setting.split(",")]
    kind = entries[0][:4]
    chosen: list[Gpu] = []
    for entry in entries:
        if kind in ("GPU-", "MIG-"):
            fits = [gpu for gpu in _named(every, kind) if entry.startswith(kind) and gpu.uuid.startswith(entry)]
        else:
            number = int(match[0]) if (match := _NUMBER.match(entry)) else -1
            fits = list(every[number : number + 1]) if number >= 0 else []
        if len(fits) != 1:
            break
        if fits[0] in chosen:
            return []
        chosen += fits
    return chosen


def _named(every: Sequence[Gpu], kind: str) -> Iterator[Gpu]:
    for gpu in every:
        yield from [gpu] if kind == "GPU-" else gpu.slices or ()


def _is_slice(gpu: Gpu) -> bool:
    return gpu.uuid.startswith("MIG-")


def _gpu(nvml: Any, handle: Any) -> Gpu:
    name = _text(nvml.nvmlDeviceGetName(handle)).removeprefix("NVIDIA ")
    slices = tuple(_slices(nvml, handle)) if _is_parted(nvml, handle) else None
    return Gpu(_text(nvml.nvmlDeviceGetUUID(handle)), name, slices, handle)


def _is_parted(nvml: Any, handle: Any) -> bool:
    try:
        return bool(nvml.nvmlDeviceGetMigMode(handle)[0])
    except nvml.NVMLError:  # a GPU that knows no MIG
        return False


def _slices(nvml: Any, handle: Any) -> Iterator[Gpu]:
    for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            part = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
        except nvml.NVMLError:  # no such slice was made
            continue
        name = _text(nvml.nvmlDeviceGetName(part)).removeprefix("NVIDIA ")
        yield Gpu(_text(nvml.nvmlDeviceGetUUID(part)), name, handle=part)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
