"""Packed tiny models, and their weights read from codes and scales by hand."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from engine.models.loading import LoadedModel, load
from engine.profile import ModelSpec

Doubles = np.ndarray[Any, np.dtype[np.float64]]

# Dettmers et al. 2023 (QLoRA), appendix E: the quantiles of N(0, 1) that NF4 means.
NF4 = np.array(
    [
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    ]
)
WIDER = {"hidden_size": 64, "intermediate_size": 128, "n_embd": 64, "n_inner": 128}


def widened(small: Path, folder: Path) -> Path:
    """An untrained model of the same family and tokenizer whose matrices have columns in multiples of 64."""
    shutil.copytree(small, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {key: size for key, size in WIDER.items() if key in config}
    (folder / "config.json").write_text(json.dumps(config | ({"head_dim": 16} if "head_dim" in config else {})))
    from transformers import AutoConfig

    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    return folder


def loaded(path: Path | str, load_in: str, **options: Any) -> LoadedModel:
    spec = ModelSpec(names=(str(path),), load_in=load_in, dtype="float32", device="cpu", **options)
    return load(spec, str(path), torch.device("cpu"))


def by_hand(module: Any) -> Doubles:
    """The weights [outputs, inputs] of a layer of bitsandbytes, from its codes and scales."""
    shape = (module.out_features, module.in_features)
    if hasattr(module, "state"):
        codes, scales = (
            (module.weight.CB, module.weight.SCB)
            if module.weight.CB is not None
            else (module.state.CB, module.state.SCB)
        )
        weights: Doubles = codes.numpy().astype(np.float64) * scales.double().numpy()[:, None] / 127
        return weights
    pairs = module.weight.data.numpy().reshape(-1)
    values = NF4[np.stack([pairs >> 4, pairs & 15], axis=1).reshape(-1)]
    scales = module.weight.quant_state.absmax.double().numpy()
    found: Doubles = (values * np.repeat(scales, 64)).reshape(shape)
    return found
