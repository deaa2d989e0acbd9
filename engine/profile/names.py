"""Names in a profile that may be paths: models, texts, prompt files."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from engine import catalog
from engine.errors import LesionError, suggestion

AUTO = "auto"

_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)


def is_petri(model: str) -> bool:
    """Whether a model's name is one of, or tries to be one of, the bundled family."""
    return model == "petri" or model.startswith("petri-")


def is_model_path(model: str) -> bool:
    """Whether a model's name means a folder or file here, rather than a bundled model or one of the Hub."""
    return model.startswith((".", "/", "~")) or model.endswith(".gguf")


def is_file_name(name: str) -> bool:
    """Whether the name of a text or prompt set is meant as a file's."""
    return "/" in name or name.startswith(("~", ".")) or name.endswith((".txt", ".jsonl"))


def anchor(path: str, folder: Path) -> str:
    """`path` made absolute: what is relative in a profile is relative to the profile's folder."""
    try:
        return os.path.normpath(folder.absolute() / Path(path).expanduser())
    except RuntimeError:  # "~name" where there is no such user
        return os.path.normpath(folder.absolute() / path)


def is_there(path: Path) -> bool:
    """Whether something lies at `path`; False, too, for what no path can be, such as a sentence given as a name."""
    try:
        return path.exists()
    except OSError:
        return False


def check_model(model: str, *, must_exist: bool) -> None:
    """Raises LesionError unless `model` is a bundled model, a path that exists, or spelt like an id of the Hub."""
    if is_petri(model):
        catalog.model(model)
    elif is_model_path(model):
        if must_exist and not is_there(Path(model)):
            raise LesionError(f"there is no model at '{model}': give an existing folder or .gguf file{_made_by(model)}")
    elif not _HUB_ID.fullmatch(model):
        raise LesionError(
            f"'{model}' names no model: give a bundled model ({', '.join(catalog.models())}), a Hub id such as "
            "'EleutherAI/pythia-70m', or the path of a folder or .gguf file, which starts with ., / or ~"
        )


def check_file(name: str, known: Iterable[str], kind: str, *, must_exist: bool) -> None:
    """Raises LesionError unless `name` is one of the catalog's `known`, "auto", or an existing file."""
    names = [AUTO, *known]
    if name in names:
        return
    if not is_file_name(name):
        raise LesionError(f"there is no {kind} '{name}', and no such file either{suggestion(name, names)}")
    if must_exist and not (is_there(Path(name)) and Path(name).is_file()):
        raise LesionError(f"there is no file '{name}'; a {kind} is a file or one of: {', '.join(names)}")


def _made_by(model: str) -> str:
    """How to get the one model that this project fetches by itself."""
    return "; `make real-model` fetches this one" if model.endswith("models/smollm2-135m-instruct") else ""
