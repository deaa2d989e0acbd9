"""Hashes of what decides a result."""

import hashlib
import json
from pathlib import Path
from typing import Any

from engine import files
from engine.errors import LesionError


def digest(value: Any) -> str:
    """sha256 of `value` as canonical JSON, in hexadecimal digits."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def sha256(path: Path) -> str:
    """Of a file of the user's, in hexadecimal digits. Raises LesionError where it cannot be read."""
    try:
        return hashlib.sha256(files.read_named(path)).hexdigest()
    except OSError as error:
        raise LesionError(f"'{path}' cannot be read: {error.strerror}") from None
