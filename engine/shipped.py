"""Where the profiles that come with Lesion lie."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped_profiles() -> Path:
    """The folder of the profiles that come with Lesion: beside the package in a checkout, inside it where a wheel was
    installed."""
    inside = _PACKAGE / "profiles"
    return inside if inside.is_dir() else _PACKAGE.parent / "profiles"
