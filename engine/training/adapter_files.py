"""Adapters on disk, in the form that peft reads: adapter_config.json and adapter_model.safetensors in a folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch.nn import Module

from engine.training.lora import Adapter
from engine.training.options import TrainingOptions

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."
"""Before the names of modules, where peft has them in a file."""

Adapters = Mapping[str, Adapter]
"""By the module that they stand beside."""


def adapters_of(model: Module) -> list[Adapters]:
    """The adapters that take part in what the model computes: a set for each time that some were attached, in the order
    in which a module's output takes them in. Where every B of a set is zero it takes no part, and is left out."""
    hooks = [
        (number, name, hook)
        for name, module in model.named_modules()
        for number, hook in module._forward_hooks.items()  # numbered in the order of their coming, over all modules
        if isinstance(hook, Adapter)
    ]
    sets: dict[int, dict[str, Adapter]] = {}
    for _, name, adapter in sorted(hooks, key=lambda hook: hook[0]):
        sets.setdefault(id(adapter.options), {})[name] = adapter
    return [one for one in sets.values() if any(bool(adapter.b.detach().any()) for adapter in one.values())]


def write_adapters(adapters: Adapters, model: Module, base: str, folder: Path) -> None:
    """Write one set into a folder that is made for it; `base` is what peft is told of where the model lies. Raises
    OSError and safetensors' own errors."""
    options = next(iter(adapters.values())).options
    transposed = any(type(model.get_submodule(name)).__name__ == "Conv1D" for name in adapters)
    config: dict[str, Any] = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "inference_mode": True,
        "r": options.lora_rank,
        "lora_alpha": options.lora_alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": transposed,
        "target_modules": list(adapters),
    }
    folder.mkdir()
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n")
    tensors = {
        f"{_PREFIX}{name}.lora_{kind.upper()}.weight": getattr(adapter, kind).detach().cpu().contiguous()
        for name, adapter in adapters.items()
        for kind in ("a", "b")
    }
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def attach_written(model: Module, folder: Path) -> None:
    """Put the adapters of a folder beside the model's matrices, for good."""
    config, tensors = json.loads((folder / CONFIG).read_text()), load_file(folder / WEIGHTS)
    options = TrainingOptions(trainable="lora", lora_rank=config["r"], lora_alpha=config["lora_alpha"])
    for name in config["target_modules"]:
        module = model.get_submodule(name)
        device = next(module.parameters()).device
        a, b = (tensors[f"{_PREFIX}{name}.lora_{kind}.weight"].to(device) for kind in ("A", "B"))
        module.register_forward_hook(Adapter(a, b, options))
