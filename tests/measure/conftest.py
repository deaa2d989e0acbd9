from pathlib import Path

import pytest

from engine.models.loading import LoadedModel


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Models this small only lose by sharing their work out."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def subjects(tiny_models: dict[str, Path]) -> dict[str, LoadedModel]:
    """The tiny models and petri-60k, loaded."""
    import torch

    from engine.models.loading import load
    from engine.petri import PETRI
    from engine.profile import ModelSpec

    folders = tiny_models | {"petri": PETRI["petri-60k"]}
    return {
        name: load(ModelSpec(names=(str(folder),)), str(folder), torch.device("cpu"))
        for name, folder in folders.items()
    }
