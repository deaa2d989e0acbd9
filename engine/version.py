"""Lesion's version."""

from pathlib import Path

PACKAGE = "lesion-lab"


def version() -> str:
    """The version that is installed; of a checkout that is not, the one it would be installed as, with `+checkout`."""
    from importlib import metadata

    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return _of_checkout()


def _of_checkout() -> str:
    import tomllib

    try:
        project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return f"{project['version']}+checkout"
    except (OSError, ValueError, KeyError):
        return "unknown"
