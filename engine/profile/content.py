"""What a model in a folder or a .gguf file is known by, wherever it lies: digests of its weights and of what is beside
them. Nothing here loads torch.

Digests of large files are kept in the user's cache folder, and taken anew where a file's size or times have changed.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from engine.errors import LesionError

_SETTINGS = (".json", ".jinja", ".model", ".py", ".tiktoken")
_VOCABULARY = ("vocab.txt", "merges.txt")
_INDEX = ".index.json"
_PASSING = ("transformers_version", "_name_or_path", "_commit_hash")
"""Keys of config.json that tell how the file was written, and change nothing."""

_LARGE = 1 << 26
_BLOCK = 1 << 22
_HEADER = 1 << 27


def model_digests(model: str) -> dict[str, str]:
    """By "weights" and "settings" (configuration, tokenizer, templates, code): sha256 of what is in a model's folder,
    64 hexadecimal digits; of a .gguf file, which holds both, "weights" alone. Empty where there is no model.

    The weights of safetensors are told apart by name, type, shape and bytes, however they are spread over files.
    Raises LesionError where a file cannot be read.
    """
    path = Path(model)
    try:
        if path.is_file():
            return {"weights": _hex(_cached(path, _whole))}
        files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else []
        weights = [file for file in files if file.suffix == ".safetensors"]
        weights = weights or [file for file in files if file.name.startswith("pytorch_model") and file.suffix == ".bin"]
        if not weights:
            return {}
        total = sum(_cached(file, _tensors if file.suffix == ".safetensors" else _whole) for file in weights)
        return {"weights": _hex(total), "settings": _settings(path, files)}
    except OSError as error:
        raise LesionError(f"a file of the model {model} cannot be read ({error.strerror}): {error.filename}") from error


def _settings(folder: Path, files: Iterable[Path]) -> str:
    """One digest of all that decides what the model does beside its weights."""
    near = [file for file in files if file.suffix in _SETTINGS or file.name in _VOCABULARY]
    deep = [*folder.glob("*/**/*.py"), *folder.glob("additional_chat_templates/*.jinja")]
    digest = hashlib.sha256()
    for file in sorted([*near, *deep]):
        place = file.relative_to(folder)
        if not file.name.endswith(_INDEX) and not any(part.startswith(".") for part in place.parts):
            digest.update(f"{place.as_posix()} {hashlib.sha256(_plain(file)).hexdigest()}\n".encode())
    return digest.hexdigest()


def _plain(file: Path) -> bytes:
    """The file's bytes; of a configuration without the keys that change nothing."""
    content = file.read_bytes()
    if file.name not in ("config.json", "generation_config.json"):
        return content
    try:
        config = json.loads(content)
    except ValueError:
        return content
    kept = {key: value for key, value in config.items() if key not in _PASSING} if isinstance(config, dict) else config
    return json.dumps(kept, sort_keys=True).encode()


def _tensors(file: BinaryIO) -> int:
    """The sum of every tensor's digest, so that neither their order nor the file counts; of a file that is not as
    safetensors are, its own."""
    try:
        size = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(size if size <= _HEADER else 0))
        places = {name: entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"}
        start, total = file.tell(), 0
        for name, (begin, end) in sorted(places.items(), key=lambda place: tuple(place[1])):
            file.seek(start + begin)
            kind = json.dumps([name, header[name]["dtype"], header[name]["shape"]])
            total += _number(_blocks(file, end - begin), kind.encode())
    except (ValueError, KeyError, TypeError, AttributeError):  # whoever loads it will say what is wrong with it
        file.seek(0)
        return _whole(file)
    return total


def _whole(file: BinaryIO) -> int:
    return _number(iter(lambda: file.read(_BLOCK), b""))


def _blocks(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0 and (block := file.read(min(size, _BLOCK))):
        size -= len(block)
        yield block


def _number(blocks: Iterator[bytes], first: bytes = b"") -> int:
    digest = hashlib.sha256(first)
    for block in blocks:
        digest.update(block)
    return int.from_bytes(digest.digest(), "big")


def _hex(total: int) -> str:
    return f"{total % 2**256:064x}"


def _cached(path: Path, count: Callable[[BinaryIO], int]) -> int:
    """What `count` finds in the file; where it is large, from the cache if the file is as it was."""
    about = path.stat()
    if about.st_size < _LARGE:
        with path.open("rb") as file:
            return count(file)
    stamp = [about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino]
    known = _read_cache()
    name = f"{count.__name__} {path.resolve()}"
    if (entry := known.get(name)) and entry[:-1] == stamp:
        return int(entry[-1], 16)
    with path.open("rb") as file:
        number = count(file) % 2**256
    _write_cache({**known, name: [*stamp, f"{number:x}"]})
    return number


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "lesion" / "digests.json"


def _read_cache() -> dict[str, list[Any]]:
    try:
        entries = json.loads(_cache().read_bytes())
    except (OSError, ValueError, RuntimeError):
        return {}
    return entries if isinstance(entries, dict) else {}


def _write_cache(known: dict[str, list[Any]]) -> None:
    """Kept where that is possible: it only saves time."""
    with suppress(OSError, RuntimeError):
        _cache().parent.mkdir(parents=True, exist_ok=True)
        beside = _cache().with_name(f".digests.{secrets.token_hex(4)}.new")
        beside.write_text(json.dumps(known))
        beside.replace(_cache())
