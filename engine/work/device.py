"""The device a process computes on."""

import os

import torch

from engine.errors import LesionError
from engine.record.manifest import WorkerFacts
from engine.runs.gpus import driver

_SETTINGS = (
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "OPENBLAS_CORETYPE",
    "NUMBA_CPU_NAME",
    "NUMBA_CPU_FEATURES",
    "NUMBA_DISABLE_JIT",
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "CUBLAS_WORKSPACE_CONFIG",
)
"""Environment variables by which libraries choose other kernels than they would by themselves."""


def open_device(name: str) -> torch.device:
    """The device called "cpu", "cuda" or "cuda:1"; for "auto" see engine.runs.devices. Raises LesionError where this
    host has none such."""
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise LesionError(
            f"device {name!r}: torch {torch.__version__} sees {torch.cuda.device_count()} CUDA devices on this host; "
            "use 'auto', 'cpu' or an index below that number",
            field="model.device",
        )
    return device


def settle(threads: int) -> None:
    """Fix everything outside a trial that could move the last bits of its result. Comes before any use of a GPU."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs to repeat itself
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("warn")  # as use_deterministic_algorithms, but for compilers


def device_facts(device: torch.device, *, every_gpu: bool = False) -> WorkerFacts:
    """What this process computes with, as far as it can decide the last bits of a result.

    torch, threads; `vectors`, the widest instructions that torch's own kernels use here, and `cpu`, the processor's
    kind as LLVM knows it; `settings`, the environment variables that choose other kernels. Of a GPU, or of every
    one that this process sees: `gpus` with name and compute capability, and the versions of `cuda`, `cudnn`, `driver`.
    """
    facts: WorkerFacts = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "cpu": _cpu(),
        "settings": {name: os.environ[name] for name in _SETTINGS if name in os.environ},
    }
    if device.type == "cuda":
        gpus = range(torch.cuda.device_count()) if every_gpu else [device.index or 0]
        facts["gpus"] = [_gpu(number) for number in gpus]
        facts["cuda"], facts["cudnn"] = torch.version.cuda, torch.backends.cudnn.version()
        facts["driver"] = driver()
    return facts


def _cpu() -> str | None:
    try:
        from llvmlite import binding

        return str(binding.get_host_cpu_name())
    except (ImportError, OSError):
        return None


def _gpu(number: int) -> dict[str, str]:
    major, minor = torch.cuda.get_device_capability(number)
    return {"name": torch.cuda.get_device_name(number), "capability": f"{major}.{minor}"}
