"""Where a model's files are: a bundled model, a folder, a .gguf file, or a repository of the Hugging Face Hub."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.errors import LesionError
from engine.petri import PETRI
from engine.profile import ModelSpec
from engine.profile.names import is_model_path

HUB_SECONDS = 10.0
"""How long the Hub may take to answer."""


class UnreachableError(LesionError):
    """A model that may well exist: the Hub cannot be reached, or does not give the files to this user."""


@dataclass(frozen=True)
class Source:
    """What transformers is told: `place` is a folder or Hub id, `options` keyword arguments of `from_pretrained`."""

    name: str
    place: str
    options: dict[str, Any]
    revision: str | None
    """The commit on the Hub, where known."""

    @property
    def folder(self) -> Path | None:
        """The folder of a model that is not the Hub's."""
        return Path(self.place) if "revision" not in self.options else None

    @property
    def gguf(self) -> bool:
        """Whether the model is one .gguf file."""
        return "gguf_file" in self.options


def find(spec: ModelSpec, name: str) -> Source:
    """Where the model called `name` is; asks the Hub only for names that are nothing here.

    Raises LesionError for a path that does not exist, a .gguf file without the package that reads it, and a repository
    that does not exist; UnreachableError for one that is gated, or can be neither reached nor found in the cache.
    """
    path = PETRI.get(name) or Path(name).expanduser()
    if path.suffix == ".gguf":
        return _gguf(name, path)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise LesionError(f"{name} holds no model: there is no config.json in this folder")
        return Source(name, str(path), {}, None)
    if name in PETRI or is_model_path(name):
        raise LesionError(f"there is no model at {name}: give an existing folder or .gguf file")
    return _hub(name, spec.revision)


def _gguf(name: str, path: Path) -> Source:
    if find_spec("gguf") is None:
        raise LesionError(f"{name}: reading .gguf files needs the extra `lesion-lab[gguf]`; install it with pip")
    if not path.is_file():
        raise LesionError(f"there is no file {name}: give an existing folder or .gguf file")
    return Source(name, str(path.parent), {"gguf_file": path.name}, None)


def _hub(name: str, revision: str | None) -> Source:
    from huggingface_hub import HfApi, errors

    what = f"revision {revision!r} of {name}" if revision else name
    try:
        commit = HfApi().model_info(name, revision=revision, timeout=HUB_SECONDS).sha
    except errors.GatedRepoError:
        raise UnreachableError(gated(name)) from None
    except errors.RevisionNotFoundError:
        raise LesionError(f"the Hub has no {what}; give a branch, tag or commit of it") from None
    except (errors.RepositoryNotFoundError, errors.HFValidationError):
        text = f"there is no model {name}: it is no folder here and no public repository of the Hugging Face Hub"
        raise LesionError(f"{text} (a private one needs `hf auth login`)") from None
    except Exception:  # no answer: every HTTP client has its own exceptions for that
        return _cached(name, revision)
    return Source(name, name, {"revision": commit}, commit)


def _cached(name: str, revision: str | None) -> Source:
    """The repository as it lies in the cache, for a host that cannot reach the Hub."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(name, "config.json", revision=revision)
    if not isinstance(config, str):
        raise UnreachableError(unreachable(name, revision))
    commit = Path(config).parent.name
    return Source(name, name, {"revision": commit, "local_files_only": True}, commit)


def unreachable(name: str, revision: str | None) -> str:
    """What to say of a repository that is not here, or not whole, while there is no Hub."""
    which = f"revision {revision!r} of {name}" if revision else name
    text = f"{which} is not in the cache of this host, and the Hugging Face Hub cannot be reached"
    return f"{text}: download it where there is a network, or give a folder"


def gated(name: str) -> str:
    """What to say of a repository whose files are only for those who asked."""
    return f"{name} is gated: accept its terms on https://huggingface.co/{name}, then run `hf auth login` on this host"
