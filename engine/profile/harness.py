"""Tasks of lm-evaluation-harness: whether it is there, and what their results depend on. Nothing here loads it."""

import hashlib
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine import files
from engine.errors import LesionError, quoted
from engine.paths import is_folder
from engine.profile.names import check_path

PACKAGE = "lm-eval"


def check_harness() -> None:
    """Raises LesionError where lm-evaluation-harness is not installed."""
    if find_spec("lm_eval") is None:
        text = "the measurement lm_eval needs lm-evaluation-harness, which is not installed here"
        raise LesionError(f"{text}; install it with: pip install '{PACKAGE}'  (the extra `lesion-lab[tasks]`)")


def check_folder(folder: str) -> None:
    """Raises LesionError unless `folder` is one that holds task files."""
    check_path(folder)
    if not is_folder(folder):
        raise LesionError(
            f"there is no folder {quoted(folder)}; give one with task files (.yaml) of lm-evaluation-harness"
        )
    if not any(Path(folder).rglob("*.yaml")):
        raise LesionError(f"the folder {quoted(folder)} holds no task file (.yaml) of lm-evaluation-harness")


def identity(folder: str | None) -> dict[str, Any]:
    """What decides results beside the options: the version of lm-evaluation-harness, and every file of `folder`.

    Raises LesionError where a file cannot be read.
    """
    try:
        found: dict[str, Any] = {"version": version(PACKAGE)}
    except PackageNotFoundError:
        found = {"version": None}  # an old run, looked at where it cannot be repeated
    if folder is not None:
        found["files"] = {str(path.relative_to(folder)): _sha256(path) for path in own_files(Path(folder))}
    return found


def own_files(folder: Path) -> list[Path]:
    """The files of a task folder; not what Python and hidden folders leave there."""
    every = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in every if not any(_left(part) for part in path.relative_to(folder).parts)]


def _left(part: str) -> bool:
    return part.startswith(".") or part == "__pycache__"


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(files.read_named(path)).hexdigest()
    except OSError as error:
        raise LesionError(f"'{path}' cannot be read: {error.strerror}") from None
