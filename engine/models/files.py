"""Which files of a model its weights are read from: plain numbers beside its config.json, and nothing that could be
program code, or lies elsewhere, unless the profile allows it."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.errors import LesionError
from engine.models.source import Source
from engine.petri import PETRI
from engine.profile import ModelSpec

_WHOLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_PICKLE, _PICKLE_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
_ADAPTER = "adapter_config.json"


def check_files(spec: ModelSpec, source: Source, config: Any) -> None:
    """Raises LesionError where the weights would be read from a pickle that the profile does not allow, or from outside
    of the model's folder or repository; where they are an adapter for other weights; and where the configuration asks
    for program code from the Hub.

    Of a model on the Hub, fetches the files that say so, and its weights where they are one file.
    """
    if source.gguf or source.name in PETRI:
        return
    implementation = getattr(config, "_attn_implementation", None)
    if isinstance(implementation, str) and "/" in implementation:
        text = f"config.json asks for the program code {implementation} of the Hub, which is not run"
        raise LesionError(f"{source.name}: {text}: remove attn_implementation from it")
    if (source.folder or find_spec("peft")) and _fetched(source, _ADAPTER):
        text = f"holds an adapter ({_ADAPTER}), which is not read"
        raise LesionError(f"{source.name} {text}: merge it into the weights of its model, and name the result")
    for name, teller in _weight_files(spec, source, config):
        _check_name(spec, source, name, teller)
        if source.folder is not None:
            _check_place(source, source.folder / name, teller)


def _weight_files(spec: ModelSpec, source: Source, config: Any) -> Iterator[tuple[Any, str]]:
    """Every file that weights may be read from, as named, and what names it."""
    explicit = getattr(config, "transformers_weights", None)
    if explicit is not None and not str(explicit).endswith(".index.json"):
        yield explicit, "config.json"
        return
    if explicit is None and _fetched(source, _WHOLE):
        yield _WHOLE, _WHOLE
        return
    indices = [_INDEX, *([_PICKLE_INDEX] if spec.allow_pickle else [])]
    for index in [explicit] if explicit is not None else indices:
        _check_plain(source, index, "config.json")
        if path := _fetched(source, index):
            yield from ((name, index) for name in _indexed(source, path))
    if spec.allow_pickle and source.folder and _fetched(source, _PICKLE):
        yield _PICKLE, _PICKLE


def _indexed(source: Source, path: Path) -> list[Any]:
    """The names of the weight files in an index. Raises LesionError for a file that is none."""
    try:
        index = json.loads(path.read_bytes())
        names = list(dict.fromkeys(index["weight_map"].values()))
        assert isinstance(index["metadata"], dict)
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError, AssertionError):
        text = "is no index of weight files, a JSON object with metadata and weight_map"
        raise LesionError(f"{source.name}: {path.name} {text}; fetch it again") from None
    return names


def _check_name(spec: ModelSpec, source: Source, name: Any, teller: str) -> None:
    _check_plain(source, name, teller)
    if not name.endswith(".safetensors") and not spec.allow_pickle:
        text = f"{teller} names the weight file {name!r}, which is not a .safetensors file"
        mend = "pickles can run code when loaded: set model.allow_pickle = true if you trust them"
        raise LesionError(f"{source.name}: {text}; {mend}")


def _check_plain(source: Source, name: Any, teller: str) -> None:
    """Raises LesionError for what is not the name of a file in the very folder."""
    if not isinstance(name, str) or name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        text = f"{teller} names the weight file {str(name)[:100]!r}: only files beside config.json are read"
        raise LesionError(f"{source.name}: {text}")


def _check_place(source: Source, path: Path, teller: str) -> None:
    """Raises LesionError for a file that is not there, or a link to one elsewhere; those of a cache of the Hub lead to
    its blobs."""
    if not path.is_file():
        raise LesionError(f"{source.name}: {teller} names the weight file {path.name!r}, which is not there")
    real = path.resolve()
    blob = real.parent.name == "blobs" and real.parent.parent.name.startswith("models--")
    if not blob and not real.is_relative_to(path.parent.resolve()):
        text = f"{path.name} is a link to {real}, outside of the folder"
        raise LesionError(f"{source.name}: {text}: put the file itself in its place")


def _fetched(source: Source, name: str) -> Path | None:
    """The file of this name of the model, fetched where it is the Hub's; None where there is none."""
    from transformers.utils import cached_file

    if source.folder is not None:
        path = source.folder / name
        return path if path.is_file() else None
    place = cached_file(source.place, name, _raise_exceptions_for_missing_entries=False, **source.options)
    return Path(place) if place else None
