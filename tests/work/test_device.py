"""What a worker says of the device it computes on."""

import pytest
import torch

from engine.work.device import device_facts


def test_of_gpus_name_capability_and_versions_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two GPUs as torch would describe them; this host need not have any."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"GPU {number}")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda number: (9, number))
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    one = device_facts(torch.device("cuda:1"))
    assert one["gpus"] == [{"name": "GPU 1", "capability": "9.1"}]
    assert one["cuda"] == "12.8"
    assert {"cudnn", "driver"} <= one.keys()
    assert one["settings"]["NVIDIA_TF32_OVERRIDE"] == "0"
    assert len(device_facts(torch.device("cuda"), every_gpu=True)["gpus"]) == 2
    assert "gpus" not in device_facts(torch.device("cpu"))
