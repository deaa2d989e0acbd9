"""What lies at a path, asked with any text: one that no file system can hold is a path at which nothing lies."""

from pathlib import Path


def is_there(path: Path | str) -> bool:
    """Whether something lies at `path`; False for a text that is too long for a path, or has a NUL in it."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def is_file(path: Path | str) -> bool:
    """Whether a regular file lies at `path`; see `is_there`."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path | str) -> bool:
    """Whether a folder lies at `path`; see `is_there`."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False
