"""Tasks of lm-evaluation-harness: whether it is there, and what their results depend on. Nothing here loads it."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from engine.errors import LesionError, quoted

PACKAGE = "lm-eval"


def check_harness() -> None:
    """Raises LesionError where lm-evaluation-harness is not installed."""
    if find_spec("lm_eval") is None:
        text = "the measurement lm_eval needs lm-evaluation-harness, which is not installed here"
        raise LesionError(f"{text}; install it with: pip install '{PACKAGE}'  (the extra `lesion-lab[tasks]`)")


def check_folder(folder: str) -> None:
    """Raises LesionError unless `folder` holds task files."""
    if not any(Path(folder).rglob("*.yaml")):
        raise LesionError(f"the folder {quoted(folder)} holds no task file (.yaml) of lm-evaluation-harness")


def harness_version() -> str | None:
    """The version of lm-evaluation-harness; None where there is none, for an old run that is only looked at."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return None
