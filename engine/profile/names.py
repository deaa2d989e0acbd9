"""Names in a profile that may be paths: models, texts, prompt files."""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from engine import catalog
from engine.errors import LesionError, quoted, suggestion
from engine.paths import is_file, is_there

AUTO = "auto"

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")

_HUB_ID = re.compile(r"(?=.{1,96}$)[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)


def is_petri(model: str) -> bool:
    """Whether a model's name is one of, or tries to be one of, the bundled family."""
    return model == "petri" or model.startswith("petri-")


def is_model_path(model: str) -> bool:
    """Whether a model's name means a folder or file here, rather than a bundled model or one of the Hub."""
    return model.startswith((".", "/", "~")) or model.endswith(".gguf")


def is_hub_id(model: str) -> bool:
    """Whether a model's name, once families are expanded, is spelt as one of the Hub's."""
    return not is_petri(model) and not is_model_path(model)


def is_family_pattern(model: str) -> bool:
    """Whether a model's name stands for several of one family, as "pythia:*" or "petri:1*" do."""
    return ":" in model and not is_model_path(model)


def expand_models(names: Sequence[Any], *, must_exist: bool) -> list[Any]:
    """`names` with every pattern of a family replaced by the models it fits, in order of size, but for those that
    stand before it. What is no text is left for validation to report.

    Raises LesionError, with the position as its field, for a pattern that fits nothing and a name that cannot be a
    model's (see `check_model`).
    """
    expanded: list[Any] = []
    before: set[str] = set()
    for position, name in enumerate(names):
        try:
            members = _models(name, before, must_exist) if isinstance(name, str) else [name]
        except LesionError as error:
            raise LesionError(str(error), field=str(position)) from None
        expanded += members
        before.update(member for member in members if isinstance(member, str))
    return expanded


def _models(name: str, before: Collection[str], must_exist: bool) -> list[str]:
    """The models that one entry of the list adds to those before it."""
    if is_family_pattern(name):
        family, _, sizes = name.partition(":")
        return [model for model in catalog.family(family).matching(sizes) if model not in before]
    check_model(name, must_exist=must_exist)
    return [name]


def is_file_name(name: str) -> bool:
    """Whether the name of a text, prompt set or picture is meant as a file's."""
    ending = name.endswith((".txt", ".jsonl")) or name.lower().endswith(PICTURE_ENDINGS)
    return "/" in name or name.startswith(("~", ".")) or ending


def anchor(path: str, folder: Path) -> str:
    """`path` made absolute: what is relative in a profile is relative to the profile's folder."""
    try:
        return os.path.normpath(folder.absolute() / Path(path).expanduser())
    except (RuntimeError, ValueError):  # "~name" where there is no such user, or can be none
        return os.path.normpath(folder.absolute() / path)


def check_path(path: str) -> None:
    """Raises LesionError for a text that is no path anywhere: one with a NUL in it, or that is not UTF-8."""
    if "\0" in path or not is_utf8(path):
        raise LesionError(f"{quoted(path)} can be no path: give one in UTF-8, without NUL")


def is_utf8(text: str) -> bool:
    """Whether a text can be written: the command line and names of files may hold bytes that are none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_model(model: str, *, must_exist: bool) -> None:
    """Raises LesionError unless `model` is a bundled model, a path that exists, or spelt like an id of the Hub."""
    if is_petri(model):
        catalog.model(model)
    elif is_model_path(model):
        check_path(model)
        if must_exist and not is_there(model):
            raise LesionError(
                f"there is no model at {quoted(model)}: give an existing folder or .gguf file{made_by(model)}"
            )
    elif not _HUB_ID.fullmatch(model):
        raise LesionError(
            f"{quoted(model)} names no model: give a bundled model ({', '.join(catalog.models())}), a Hub id such as "
            "'EleutherAI/pythia-70m', a family such as 'pythia:*', or the path of a folder or .gguf file, which starts "
            "with ., / or ~"
        )


def check_file(name: str, known: Iterable[str], kind: str, *, must_exist: bool) -> None:
    """Raises LesionError unless `name` is one of the `known` or, if it `must_exist`, an existing file."""
    names = list(known)
    if name in names:
        return
    if names and not is_file_name(name):
        wrong = f"there is no {kind} {quoted(name)}, and no such file either"
        raise LesionError(f"{wrong}{suggestion(name, names)}{catalog.blame()}")
    check_path(name)
    if must_exist and not is_file(name):
        instead = f"; a {kind} is a file or one of: {', '.join(names)}" if names else ": give the path of one"
        raise LesionError(f"there is no file {quoted(name)}{instead}")


def made_by(model: str) -> str:
    """How to get the one model that this project fetches by itself."""
    return "; `make real-model` fetches this one" if model.endswith("models/smollm2-135m-instruct") else ""
