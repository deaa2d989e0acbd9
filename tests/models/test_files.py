"""A model's files are data: whatever they name or hold, no program code of theirs runs unless it is allowed."""

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.errors import LesionError
from engine.models.estimate import survey_model
from engine.models.loading import load
from engine.petri import PETRI
from engine.profile import ModelSpec

CPU = torch.device("cpu")
SHARDS = "model.safetensors.index.json"
Spoil = Callable[[Path], None]


class Marking:
    """A pickle that, when it is loaded, makes the file `mark`."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, (f"open({str(self.mark)!r}, 'w').close()",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a bundled model, its weights in several files."""
    folder = tmp_path / "model"
    shutil.copytree(PETRI["petri-16k"], folder)
    model = load(ModelSpec(names=("petri-16k",)), "petri-16k", CPU).model
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    return folder


def open_model(folder: Path | str, **spec: Any) -> str:
    return load(ModelSpec(names=(str(folder),), **spec), str(folder), CPU).digest


def evil(path: Path, *, zipped: bool = False) -> None:
    """Such a pickle, which makes `ran` beside the model's folder."""
    marking = Marking(path.parent.parent / "ran")
    if zipped:
        torch.save(marking, path)
        assert zipfile.is_zipfile(path)
    else:
        path.write_bytes(pickle.dumps(marking))


def test_the_pickles_of_these_tests_run(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    evil(tmp_path / "model" / "weights.bin")
    pickle.loads((tmp_path / "model" / "weights.bin").read_bytes())
    assert (tmp_path / "ran").exists()


def test_several_files_are_read_as_one_would_be(folder: Path) -> None:
    assert open_model(folder) == open_model("petri-16k")


def index(name: Any) -> Spoil:
    """One weight is said to be in the file `name`, which is a pickle."""

    def spoil(folder: Path) -> None:
        listed = json.loads((folder / SHARDS).read_text())
        listed["weight_map"][next(iter(listed["weight_map"]))] = name
        (folder / SHARDS).write_text(json.dumps(listed))
        (folder.parent / "outside").mkdir()
        (folder / "inside").mkdir()
        if isinstance(name, str) and name and not name.startswith("/") and name != "..":
            evil(folder / name)

    return spoil


def write(name: str, text: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).write_text(text)

    return spoil


def configure(name: str, **changes: Any) -> Spoil:
    def spoil(folder: Path) -> None:
        settings = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(settings | changes))

    return spoil


def linked(folder: Path) -> None:
    shard = next(folder.glob("model-*.safetensors"))
    (folder.parent / "outside").mkdir()
    shard.rename(folder.parent / "outside" / shard.name)
    shard.symlink_to(folder.parent / "outside" / shard.name)


def whole_linked(folder: Path) -> None:
    shutil.copy(PETRI["petri-16k"] / "model.safetensors", folder.parent)
    (folder / "model.safetensors").symlink_to(folder.parent / "model.safetensors")


def lost(folder: Path) -> None:
    next(folder.glob("model-*.safetensors")).unlink()


def pickled(folder: Path) -> None:
    evil(folder / "model.safetensors")


def zipped(folder: Path) -> None:
    evil(folder / "model.safetensors", zipped=True)


def only_pickle(folder: Path) -> None:
    (folder / SHARDS).unlink()
    evil(folder / "pytorch_model.bin", zipped=True)


def adapter(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "someone/else"}')
    evil(folder / "adapter_model.bin", zipped=True)


def explicit(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        configure("config.json", transformers_weights=name)(folder)
        evil(folder / name)

    return spoil


ONLY_BESIDE = "only files beside config.json are read"
CASES: list[tuple[Spoil, str]] = [
    (index("weights.bin"), "'weights.bin', which is not a .safetensors file; pickles can run code"),
    (index("weights.safetensors.bin"), "which is not a .safetensors file"),
    (index("../outside/x.safetensors"), ONLY_BESIDE),
    (index("inside/x.safetensors"), ONLY_BESIDE),
    (index("/tmp/x.safetensors"), ONLY_BESIDE),
    (index(".."), ONLY_BESIDE),
    (index(""), ONLY_BESIDE),
    (index(3), ONLY_BESIDE),
    (index(["x"]), "is no index of weight files"),
    (write(SHARDS, "[]"), "is no index of weight files"),
    (write(SHARDS, "{"), "is no index of weight files"),
    (write(SHARDS, "[" * 100_000), "is no index of weight files"),
    (write(SHARDS, '{"weight_map": {}}'), "is no index of weight files"),
    (lost, "which is not there"),
    (linked, "is a link to .*, outside of the folder: put the file itself in its place"),
    (whole_linked, "is a link to .*, outside of the folder"),
    (pickled, "damaged or cut short"),
    (zipped, "damaged or cut short"),
    (only_pickle, "set model.allow_pickle = true"),
    (adapter, "holds an adapter"),
    (explicit("adapter_model.bin"), "which is not a .safetensors file"),
    (explicit("../x.safetensors"), ONLY_BESIDE),
    (configure("config.json", attn_implementation="someone/attention"), "asks for the program code someone/attention"),
]


@pytest.mark.parametrize(("spoil", "sentence"), CASES)
def test_what_is_no_data_beside_the_model_is_refused_unread(folder: Path, spoil: Spoil, sentence: str) -> None:
    spoil(folder)
    with pytest.raises(LesionError, match=sentence) as caught:
        open_model(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (folder.parent / "ran").exists()


def test_the_plan_says_so_too(folder: Path) -> None:
    index("weights.bin")(folder)
    with pytest.raises(LesionError, match=r"which is not a \.safetensors file"):
        survey_model(ModelSpec(names=(str(folder),)), str(folder), [], [])


def test_what_lies_beside_and_is_not_read_does_no_harm(folder: Path) -> None:
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt"):
        evil(folder / name, zipped=True)
    evil(folder / "vocab.pkl")
    assert open_model(folder) == open_model("petri-16k")
    assert not (folder.parent / "ran").exists()


def test_a_pickle_that_is_allowed_still_holds_numbers_only(folder: Path) -> None:
    only_pickle(folder)
    with pytest.raises(LesionError, match="cannot be loaded"):
        open_model(folder, allow_pickle=True)
    assert not (folder.parent / "ran").exists()
    (folder / "pytorch_model.bin").unlink()
    (folder / "pytorch_model.bin.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": {"lm_head.weight": "../weights.bin"}})
    )
    with pytest.raises(LesionError, match=ONLY_BESIDE):
        open_model(folder, allow_pickle=True)


@pytest.mark.parametrize("by_folder", [True, False])
def test_a_cache_of_the_hub_holds_links_to_its_blobs(
    folder: Path, by_folder: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--someone--some-model"
    snapshot = repository / "snapshots" / commit
    shutil.copytree(folder, repository / "blobs")
    snapshot.mkdir(parents=True)
    for blob in (repository / "blobs").iterdir():
        (snapshot / blob.name).symlink_to(Path("..", "..", "blobs", blob.name))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    name = str(snapshot) if by_folder else "someone/some-model"
    assert open_model(name) == open_model("petri-16k")
    (snapshot / SHARDS).unlink()
    listed = json.loads((repository / "blobs" / SHARDS).read_text())
    listed["weight_map"] = dict.fromkeys(listed["weight_map"], "weights.bin")
    (snapshot / SHARDS).write_text(json.dumps(listed))
    with pytest.raises(LesionError, match=r"which is not a \.safetensors file"):
        open_model(name)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_program_code_of_the_model_does_not_run(folder: Path, file: str) -> None:
    """A family that transformers knows is read by transformers, whatever code lies beside it."""
    (folder / "own.py").write_text(f"open({str(folder.parent / 'ran')!r}, 'w').close()")
    names = {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own", "AutoTokenizer": ["own.Own", "own.Own"]}
    configure(file, auto_map=names)(folder)
    try:
        open_model(folder)
    except LesionError as error:
        assert "--trust-remote-code" in str(error)  # noqa: PT017 - either may happen, and both are right
    assert not (folder.parent / "ran").exists()
