"""Loading: what is right is loaded as it is, what is wrong gets one clear sentence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.errors import LesionError
from engine.models import source
from engine.models.loading import LoadedModel, load
from engine.petri import PETRI
from engine.profile import ModelSpec

CPU = torch.device("cpu")


def open_model(name: str | Path, **spec: Any) -> LoadedModel:
    return load(ModelSpec(names=(str(name),), **spec), str(name), CPU)


def halve(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def to_pickle(folder: Path) -> None:
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def configure(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | changes))

    return change


def remove(pattern: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for path in folder.glob(pattern):
            path.unlink()

    return change


def write(name: str, text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_text(text)

    return change


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (halve, "damaged or cut short"),
        (write("model.safetensors", ""), "damaged or cut short"),
        (remove("model.safetensors"), "no model.safetensors in this folder"),
        (to_pickle, "set model.allow_pickle = true"),
        (write("config.json", "{oops"), "config.json is not valid JSON"),
        (remove("config.json"), "no config.json in this folder"),
        (configure(model_type="wibble"), "names no model_type"),
        (configure(hidden_size=40), "do not have the shapes"),
        (configure(num_hidden_layers=4), "lack weights that its config.json asks for"),
        (configure(model_type="wibble", auto_map={"AutoConfig": "c.C"}), "--trust-remote-code"),
        (remove("token*"), "has no tokenizer"),
        (write("tokenizer.json", "{oops"), "tokenizer is not valid JSON"),
    ],
)
def test_a_spoilt_folder_gets_one_sentence(tmp_path: Path, spoil: Callable[[Path], None], sentence: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(PETRI["petri-16k"], folder)
    spoil(folder)
    with pytest.raises(LesionError, match=sentence) as caught:
        open_model(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pickles_load_where_they_are_allowed(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(PETRI["petri-16k"], folder)
    to_pickle(folder)
    assert open_model(folder, allow_pickle=True).digest == open_model("petri-16k").digest


def test_a_missing_folder_and_file(tmp_path: Path) -> None:
    spec = ModelSpec(names=("petri-16k",))
    for name in (str(tmp_path / "nothing"), str(tmp_path / "nothing.gguf")):
        with pytest.raises(LesionError, match="give an existing folder"):
            load(spec, name, CPU)


def test_a_hub_id_without_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(LesionError, match="not in the cache of this host, and the Hugging Face Hub cannot be reached"):
        open_model("someone/some-model")


def test_a_hub_id_in_the_cache_loads_without_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--someone--some-model"
    shutil.copytree(PETRI["petri-16k"], repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    loaded = open_model("someone/some-model")
    assert loaded.revision == commit
    assert loaded.digest == open_model("petri-16k").digest


def test_a_model_is_ready_and_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    loaded = open_model("petri-16k")
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert (loaded.dtype, loaded.revision, loaded.architecture.context) == (torch.float32, None, 256)


def test_every_tokenizer_can_pad(tiny_models: dict[str, Path]) -> None:
    for folder in tiny_models.values():
        assert isinstance(open_model(folder).tokenizer.pad_token_id, int)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_dtype(dtype: str, tmp_path: Path) -> None:
    loaded = open_model("petri-16k", dtype=dtype)
    assert {str(p.dtype) for p in loaded.model.parameters()} == {f"torch.{dtype}"}
    loaded.model.save_pretrained(tmp_path)
    loaded.tokenizer.save_pretrained(tmp_path)
    again = open_model(tmp_path)
    assert again.dtype == loaded.dtype
    assert again.digest == loaded.digest


def test_a_gguf_file_without_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(source, "find_spec", lambda name: None)
    with pytest.raises(LesionError, match=r"lesion-lab\[gguf\]"):
        open_model(tmp_path / "model.gguf")


def test_a_spoilt_gguf_file(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUFxxxx")
    with pytest.raises(LesionError, match="cannot be read as a GGUF model"):
        open_model(tmp_path / "model.gguf")
