"""Writing a loaded model as a folder that `from_pretrained` reads, and proving that it gives the same back."""

import errno
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.errors import LesionError
from engine.models.loading import LoadedModel, silenced
from engine.weights.snapshot import weights_digest

_PROBED = 32
"""Tokens that logits are compared on."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Proof:
    """What a model is known by to the last bit: the sha256 of its weights, and its logits [tokens, vocabulary] on a few
    tokens."""

    digest: str
    logits: Tensor

    @classmethod
    def of(cls, loaded: LoadedModel) -> "Proof":
        """Of a model as it is now."""
        table = loaded.architecture.embedding.weight
        assert isinstance(table, Tensor)
        count = min(_PROBED, loaded.architecture.context)
        ids = torch.arange(count, device=loaded.device).mul(7919).remainder(table.shape[0]).unsqueeze(0)
        with torch.no_grad():
            logits = loaded.model(input_ids=ids, use_cache=False).logits[0]
        return cls(weights_digest(loaded.model), logits.cpu())

    def check(self, again: "Proof", name: str) -> None:
        """Raises LesionError where what was loaded again is not the same."""
        lost = f"{name} cannot be saved: loaded again from the folder"
        if again.digest != self.digest:
            raise LesionError(f"{lost}, its weights are others than those that were written")
        if not _same_bits(again.logits, self.logits):
            text = "with the same weights it computes other numbers: what was done to it is no change of weights alone"
            raise LesionError(f"{lost}, {text}")


def write_model(loaded: LoadedModel, tokenizer: Any, folder: Path) -> None:
    """Write weights, configuration, `tokenizer` and, where there is one, the processor into an empty folder.

    Raises LesionError where the disk is full, or transformers cannot write this model.
    """
    try:
        with silenced():
            loaded.model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            if loaded.processor is not None:
                loaded.processor.save_pretrained(folder)
    except Exception as error:
        raise unwritten(loaded.name, error) from error


def unwritten(name: str, error: Exception) -> LesionError:
    """The sentence about a model that could not be written."""
    told = re.search(r"os error (\d+)", str(error))  # how safetensors says it
    number = error.errno if isinstance(error, OSError) else int(told[1]) if told else None
    if number in _FULL:
        return LesionError(f"{name} cannot be saved, disk full: free space, or give a folder on another disk")
    lines = str(error).strip().splitlines()
    return LesionError(f"{name} cannot be saved: {lines[0] if lines else type(error).__name__}")


def _same_bits(one: Tensor, other: Tensor) -> bool:
    """Whether all numbers are the same; NaN is the same as itself."""
    return one.dtype == other.dtype and torch.equal(one.view(torch.uint8), other.view(torch.uint8))
