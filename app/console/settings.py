"""What the user chose for the console, kept from one time to the next in a file that can be edited by hand."""

import os
from pathlib import Path
from typing import Any

from engine import files
from engine.errors import LesionError
from engine.profile import toml


def place() -> Path:
    """The file: `lesion/console.toml` in the user's folder of settings. Raises RuntimeError where there is no home."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "lesion" / "console.toml"


def read() -> dict[str, Any]:
    """The settings; none where there is no file. Raises LesionError where the file cannot be read."""
    try:
        path = place()
        return toml.loads(toml.text_of(path))
    except (FileNotFoundError, NotADirectoryError, RuntimeError):
        return {}
    except (OSError, ValueError) as error:
        raise LesionError(f"{path} is left aside: {error}") from error


def keep(key: str, value: str) -> None:
    """Writes one setting, leaving the others and all comments as they are. Raises LesionError where that cannot be."""
    import tomlkit

    try:
        path = place()
        kept = tomlkit.parse(_text(path))
        kept[key] = value
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(path.resolve(), tomlkit.dumps(kept).encode())
    except (OSError, ValueError, RuntimeError) as error:
        raise LesionError(f"the choice cannot be kept: {error}") from error


def _text(path: Path) -> str:
    """What the file says; nothing where there is none yet."""
    try:
        return files.read_named_text(path)
    except FileNotFoundError:
        return ""
