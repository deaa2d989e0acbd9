"""The real model these tests need: SmolLM2-135M-Instruct, as `make real-model` leaves it."""

from pathlib import Path

import pytest
import torch

from engine.models.loading import LoadedModel, load
from engine.profile import ModelSpec

FOLDER = Path(__file__).parents[2] / "models" / "smollm2-135m-instruct"


@pytest.fixture(scope="session")
def folder() -> Path:
    """The folder of the model; skips where it was not fetched."""
    if not (FOLDER / "model.safetensors").is_file():
        pytest.skip("SmolLM2-135M-Instruct is not here: `make real-model` fetches it")
    return FOLDER


@pytest.fixture(scope="session")
def smollm2(folder: Path) -> LoadedModel:
    """The model, loaded once; every test leaves it as it found it."""
    return load(ModelSpec(names=(str(folder),)), str(folder), torch.device("cpu"))
