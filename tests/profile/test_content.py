"""What a model in a folder or file is known by."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.errors import LesionError
from engine.petri import PETRI
from engine.profile import content
from engine.profile.content import model_digests

WEIGHTS: dict[str, np.ndarray] = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(4, dtype=np.float32)}


def folder(place: Path, weights: dict[str, np.ndarray] = WEIGHTS, **settings: str) -> Path:
    place.mkdir()
    save_file(weights, place / "model.safetensors")
    for name, text in {"config": '{"heads": 2}', **settings}.items():
        (place / f"{name}.json").write_text(text)
    return place


def test_every_change_of_a_tensor_is_seen(tmp_path: Path) -> None:
    """Of a value, a shape, a type or a name."""
    others: list[dict[str, np.ndarray]] = [
        {**WEIGHTS, "b": WEIGHTS["b"] * 2},
        {**WEIGHTS, "a": WEIGHTS["a"].reshape(3, 2)},
        {**WEIGHTS, "b": WEIGHTS["b"].view(np.int32)},
        {"a": WEIGHTS["a"], "c": WEIGHTS["b"]},
        {"a": WEIGHTS["a"]},
    ]
    every = [model_digests(str(folder(tmp_path / str(number), each))) for number, each in enumerate([WEIGHTS, *others])]
    assert len({each["weights"] for each in every}) == 6
    assert len({each["settings"] for each in every}) == 1


def test_settings_are_what_decides_beside_the_weights(tmp_path: Path) -> None:
    plain = model_digests(str(folder(tmp_path / "plain")))
    written_elsewhere = '{"transformers_version": "9", "heads": 2, "_name_or_path": "/x"}'
    assert model_digests(str(folder(tmp_path / "same", config=written_elsewhere))) == plain
    other = model_digests(str(folder(tmp_path / "other", config='{"heads": 1}')))
    tokens = model_digests(str(folder(tmp_path / "tokens", tokenizer="{}")))
    code = folder(tmp_path / "code")
    (code / "deep").mkdir()
    (code / "deep" / "modeling.py").write_text("pass")
    found = [plain, other, tokens, model_digests(str(code))]
    assert len({each["settings"] for each in found}) == 4
    assert len({each["weights"] for each in found}) == 1


def test_a_file_is_known_by_its_bytes_and_nothing_is_known_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF and more")
    (tmp_path / "b.gguf").write_bytes(b"GGUF and more")
    one, other = (model_digests(str(tmp_path / name)) for name in ("a.gguf", "b.gguf"))
    assert one == other
    assert one.keys() == {"weights"}
    assert model_digests(str(tmp_path / "none")) == model_digests(str(tmp_path)) == {}


def test_broken_weights_are_known_by_their_bytes(tmp_path: Path) -> None:
    """Whoever loads them says what is wrong."""
    place = folder(tmp_path / "broken")
    whole = (place / "model.safetensors").read_bytes()
    digests = [model_digests(str(place))["weights"]]
    for content_of in (whole[:20], b"", (2**62).to_bytes(8, "little") + b"{}", b"\x02" + bytes(7) + b"[]"):
        (place / "model.safetensors").write_bytes(content_of)
        digests.append(model_digests(str(place))["weights"])
    assert len(set(digests)) == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    place = folder(tmp_path / "mine")
    (place / "config.json").chmod(0)
    with pytest.raises(LesionError, match=r"a file of the model .*mine cannot be read \(Permission denied\): .*config"):
        model_digests(str(place))


def test_large_files_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_LARGE", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = shutil.copytree(PETRI["petri-4k"], tmp_path / "mine")
    first = model_digests(str(place))
    kept = tmp_path / "cache" / "lesion" / "digests.json"
    [(name, entry)] = json.loads(kept.read_text()).items()
    kept.write_text(json.dumps({name: [*entry[:-1], "abc"]}))
    assert model_digests(str(place))["weights"] == f"{0xABC:064x}", "as it was noted"
    (place / "model.safetensors").touch()
    assert model_digests(str(place)) == first
    kept.write_text("[1")
    assert model_digests(str(place)) == first
    kept.unlink()
    kept.mkdir()
    assert model_digests(str(place)) == first, "where nothing can be kept"
