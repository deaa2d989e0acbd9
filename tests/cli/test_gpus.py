"""`lesion doctor` on a host with GPUs: what a run would see of them."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Lesion
from tests.driver import DRIVER


@pytest.fixture
def site(tmp_path: Path) -> str:
    """A folder with the library of a driver that lists three GPUs."""
    (tmp_path / "pynvml.py").write_text(DRIVER)
    return str(tmp_path)


def test_doctor_shows_the_gpus_that_a_run_would_see(lesion: Lesion, site: str) -> None:
    shown = lesion("doctor", PYTHONPATH=site, CUDA_VISIBLE_DEVICES="GPU-7,GPU-1a2").stdout
    gpus = [line.removeprefix("gpu").strip() for line in shown.splitlines() if line.startswith("gpu")]
    assert gpus[:3] == [
        "cuda:0 Fast, 1.4 kB of 2.0 kB free",
        "cuda:1 Slow, 900 B of 1.0 kB free",
        "1 more on this host, not visible to runs (CUDA_VISIBLE_DEVICES=GPU-7,GPU-1a2)",
    ]
    told = json.loads(lesion("doctor", "--json", PYTHONPATH=site, CUDA_VISIBLE_DEVICES="1,9,0").stdout)
    assert [(gpu["device"], gpu["uuid"], gpu["free"]) for gpu in told["gpus"]] == [("cuda:0", "MIG-aaaa", 450)]
    assert told["gpus_hidden"] == 2


@pytest.mark.parametrize("setting", ["", "-1", "GPU-1a"])
def test_doctor_says_why_a_run_would_see_none(lesion: Lesion, site: str, setting: str) -> None:
    shown = lesion("doctor", PYTHONPATH=site, CUDA_VISIBLE_DEVICES=setting).stdout
    assert f"gpu        3 on this host, not visible to runs (CUDA_VISIBLE_DEVICES={setting})\n" in shown
    assert "gpu        none visible: runs use the processor\n" in shown
