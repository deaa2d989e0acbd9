"""Profiles by name: one's own in ./profiles, and those that come with Lesion."""

from collections.abc import Iterable
from pathlib import Path

from engine.errors import LesionError, quoted, suggestion
from engine.paths import is_file, is_folder

_PACKAGE = Path(__file__).parent

OWN = Path("profiles")
"""The folder of one's own profiles, below the current one."""


def profile_path(name_or_path: str) -> Path:
    """The file a user means: a path, or the bare name of a profile in ./profiles, in one of its folders, or among those
    that come with Lesion. One's own comes first.

    Raises LesionError, with the nearest names, when there is none.
    """
    path = Path(name_or_path)
    if is_file(path):
        return path
    own, shipped = _named(OWN), _named(shipped_beside(OWN))
    if file := _called(name_or_path, own) or _called(name_or_path, shipped):
        return file
    named = shipped | own
    _refuse_folder(name_or_path, named)
    name = path.name.removesuffix(".toml")
    places = f"in ./{OWN} nor among those that come with Lesion" if shipped else f"in ./{OWN}"
    raise LesionError(
        f"there is no profile {quoted(name_or_path)}, neither as a file nor {places}{suggestion(name, named)}"
    )


def shipped_beside(folder: Path) -> Path | None:
    """The folder of the profiles that come with Lesion; None where `folder`, the user's own, is that very folder."""
    shipped = shipped_profiles()
    return None if folder.resolve() == shipped.resolve() else shipped


def _named(folder: Path | None) -> dict[str, Path]:
    """The profiles below a folder by name, as `mlp-gain/petri`."""
    if folder is None:
        return {}
    return {file.relative_to(folder).with_suffix("").as_posix(): file for file in sorted(folder.rglob("*.toml"))}


def _called(name_or_path: str, named: dict[str, Path]) -> Path | None:
    """The profile of this name, or the only one whose name ends so. Raises LesionError where several do."""
    if name_or_path in named:
        return named[name_or_path]
    ending = [name for name in named if name_or_path == name.rpartition("/")[2]]
    if len(ending) > 1:
        raise LesionError(
            f"{quoted(name_or_path)} names {len(ending)} profiles: {', '.join(ending)}; give one of those names"
        )
    return named[ending[0]] if ending else None


def _refuse_folder(name_or_path: str, named: Iterable[str]) -> None:
    """Raises LesionError, naming the profiles in it, where `name_or_path` is a folder or the name of one of
    profiles."""
    path, folder = Path(name_or_path), Path(name_or_path).as_posix()
    inside = sorted(name for name in named if name.startswith(f"{folder}/"))
    if not inside and is_folder(path):
        inside = sorted(str(file) for file in path.glob("*.toml"))
    if inside:
        raise LesionError(f"{quoted(name_or_path)} is a folder: give one of the profiles in it: {', '.join(inside)}")
    if is_folder(path):
        raise LesionError(f"{name_or_path} is a folder: give a profile, a TOML file")


def shipped_profiles() -> Path:
    """The folder of the profiles that come with Lesion: beside the package in a checkout, inside it where a wheel was
    installed."""
    inside = _PACKAGE / "profiles"
    return inside if inside.is_dir() else _PACKAGE.parent / "profiles"
