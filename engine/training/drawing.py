"""What controls train on: random tokens, noise in place of embeddings, stretches of a text."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine import catalog
from engine.errors import LesionError
from engine.models.loading import LoadedModel
from engine.profile.names import AUTO
from engine.profile.texts import documents_of
from engine.reading.encoding import encode


def random_tokens(loaded: LoadedModel, length: int, seed: int) -> Tensor:
    """Tokens of the tokenizer's vocabulary, each as likely: int64 [1, length]."""
    drawn = _numbers(seed, "tokens").integers(0, _vocabulary(loaded), length)
    return torch.from_numpy(drawn).unsqueeze(0).to(loaded.device)


def noise(loaded: LoadedModel, length: int, scale: float, seed: int) -> Tensor:
    """Embeddings from N(0, scale): [1, length, width] in the embedding's dtype."""
    table = loaded.architecture.embedding.weight
    assert isinstance(table, Tensor)
    drawn = _numbers(seed, "noise").standard_normal((1, length, table.shape[1]), dtype=np.float32)
    return (torch.from_numpy(drawn) * scale).to(table)


class Stretches:
    """Stretches of `length` tokens of a text, documents one after the other with what opens a text between them.

    Raises LesionError where the text cannot be read, or has fewer tokens than a stretch.
    """

    def __init__(self, loaded: LoadedModel, text: str, documents: int, length: int, folder: Path, seed: int) -> None:
        name = ("petri" if loaded.name in catalog.models() else "english") if text == AUTO else text
        read = [token for part in documents_of(name, documents, folder) for token in encode(loaded.tokenizer, part)]
        if len(read) < length:
            raise LesionError(
                f"the text {text!r} has {len(read)} tokens of {loaded.name}, and a step trains on {length}: give a "
                "longer text, more documents or a smaller length"
            )
        self._tokens = torch.tensor(read)
        self._length, self._seed, self._device = length, seed, loaded.device

    def at(self, number: int) -> Tensor:
        """The stretch of this number, drawn by the seed: int64 [1, length]."""
        begin = int(_numbers(self._seed, f"text {number}").integers(0, len(self._tokens) - self._length + 1))
        return self._tokens[begin : begin + self._length].unsqueeze(0).to(self._device)


def _vocabulary(loaded: LoadedModel) -> int:
    """Tokens that text can have; matrices are often padded beyond them."""
    table = loaded.architecture.embedding.weight
    assert isinstance(table, Tensor)
    return min(len(loaded.tokenizer), int(table.shape[0]))


def _numbers(seed: int, what: str) -> np.random.Generator:
    """Random numbers of a seed that no other use shares, the same on every host."""
    key = int.from_bytes(hashlib.sha256(f"{seed} {what}".encode()).digest()[:16], "big")
    return np.random.Generator(np.random.Philox(key=key))
