"""Tiny models of every kind of matrix: fused and separate, [out, in] and [in, out], tied and not."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.models.loading import LoadedModel, load
from engine.petri import PETRI
from engine.profile import ModelSpec
from engine.reading.encoding import encode

FAMILIES = ["llama", "gpt2", "neox", "petri"]

DOCUMENTS = (
    "The kettle sang all night and nobody asked it why, nor by whom it was lit.",
    "Rain, at last!",
    "Größe — naïve café; forty-two windows, none of them open.",
)


def open_model(folder: Path) -> LoadedModel:
    return load(ModelSpec(names=(str(folder),), dtype="float32"), str(folder), torch.device("cpu"))


@pytest.fixture(scope="session")
def subjects(tiny_models: dict[str, Path]) -> dict[str, LoadedModel]:
    return {name: open_model(folder) for name, folder in (tiny_models | {"petri": PETRI["petri-16k"]}).items()}


@pytest.fixture
def text(tmp_path: Path) -> Callable[..., str]:
    """Writes documents (those above, or others) into a file, and gives its path."""

    def write(*documents: str) -> str:
        path = tmp_path / "text.txt"
        path.write_text("\n\n".join(documents or DOCUMENTS), encoding="utf-8")
        return str(path)

    return write


def windows(loaded: LoadedModel, context: int, documents: tuple[str, ...] = DOCUMENTS) -> list[list[int]]:
    """By hand: stretches of `context` tokens, each beginning with the last token of the one before."""
    found = []
    for document in documents:
        ids = encode(loaded.tokenizer, document)
        starts = range(0, max(1, len(ids) - 1), context - 1)
        found += [ids[start : start + context] for start in starts]
    return found
