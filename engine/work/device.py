"""The device a process computes on."""

import os
import platform

import torch

from engine.errors import LesionError


def open_device(name: str) -> torch.device:
    """The device called "auto", "cpu", "cuda" or "cuda:1". Raises LesionError where this host has none such."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
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


def device_name(device: torch.device) -> str:
    """The GPU's or the processor's name, as far as the system tells."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()
