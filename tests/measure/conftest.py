import pytest


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Models this small only lose by sharing their work out."""
    import torch

    torch.set_num_threads(1)
