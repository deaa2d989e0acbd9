"""Options and small helpers that several commands share."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, TextIO

import typer

from engine.errors import LesionError, quoted, suggestion
from engine.paths import is_file, is_folder
from engine.shipped import shipped_profiles

RESULTS = Path("results")
PROFILES = Path("profiles")


def _possible(folder: Path) -> Path:
    """Refuses a path that is too long for any file system, before anything is looked for in it."""
    try:
        folder.lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise LesionError(f"there can be no folder {quoted(folder)}: {error.strerror}") from None
    return folder


Results = Annotated[
    Path,
    typer.Option(
        "--results",
        metavar="DIR",
        envvar="LESION_RESULTS",
        help="Folder of the runs.",
        show_default=True,
        callback=_possible,
    ),
]
Profiles = Annotated[
    Path, typer.Option("--profiles", metavar="DIR", help="Folder of the profiles.", callback=_possible)
]
ProfileName = Annotated[
    str, typer.Argument(metavar="PROFILE", help="A TOML file, or the name of a profile, as mlp-gain/petri.")
]
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="A run directory, an unambiguous part of its name, or 'last'.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key, such as seeds.count=2; may be repeated."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings and errors.")]
TrustRemoteCode = Annotated[
    bool, typer.Option("--trust-remote-code", help="Let models and task folders run Python code of their own.")
]


def program() -> str:
    """How this command was called, to be typed again: `lesion`, or the way to it where it is not on the PATH."""
    called = Path(sys.argv[0])
    if called.name != "lesion" or shutil.which("lesion") == str(called):
        return "lesion"
    return min(str(called), os.path.relpath(called), key=len)


def profile_path(given: str) -> Path:
    """The file a user means: a path, or the bare name of a profile in ./profiles, in one of its folders, or among those
    that come with Lesion. One's own comes first.

    Raises LesionError, with the nearest names, when there is none.
    """
    path = Path(given)
    if is_file(path):
        return path
    own, shipped = _named(PROFILES), _named(shipped_beside(PROFILES))
    if file := _called(given, own) or _called(given, shipped):
        return file
    named = shipped | own
    _refuse_folder(given, named)
    name = path.name.removesuffix(".toml")
    places = f"in ./{PROFILES} nor among those that come with Lesion" if shipped else f"in ./{PROFILES}"
    raise LesionError(f"there is no profile {quoted(given)}, neither as a file nor {places}{suggestion(name, named)}")


def shipped_beside(folder: Path) -> Path | None:
    """The folder of the profiles that come with Lesion; None where `folder`, the user's own, is that very folder."""
    shipped = shipped_profiles()
    return None if folder.resolve() == shipped.resolve() else shipped


def _named(folder: Path | None) -> dict[str, Path]:
    """The profiles below a folder by name, as `mlp-gain/petri`."""
    if folder is None:
        return {}
    return {file.relative_to(folder).with_suffix("").as_posix(): file for file in sorted(folder.rglob("*.toml"))}


def _called(given: str, named: dict[str, Path]) -> Path | None:
    """The profile of this name, or the only one whose name ends so. Raises LesionError where several do."""
    if given in named:
        return named[given]
    ending = [name for name in named if given == name.rpartition("/")[2]]
    if len(ending) > 1:
        raise LesionError(f"{quoted(given)} names {len(ending)} profiles: {', '.join(ending)}; give one of those names")
    return named[ending[0]] if ending else None


def _refuse_folder(given: str, named: Iterable[str]) -> None:
    """Raises LesionError, naming the profiles in it, where `given` is a folder or the name of one of profiles."""
    path, folder = Path(given), Path(given).as_posix()
    inside = sorted(name for name in named if name.startswith(f"{folder}/"))
    if not inside and is_folder(path):
        inside = sorted(str(file) for file in path.glob("*.toml"))
    if inside:
        raise LesionError(f"{quoted(given)} is a folder: give one of the profiles in it: {', '.join(inside)}")
    if is_folder(path):
        raise LesionError(f"{given} is a folder: give a profile, a TOML file")


def colourful(stream: TextIO) -> bool:
    """Whether to write colours: a terminal that has them, and NO_COLOR unset."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def duration(seconds: float) -> str:
    """`4.2 s`, `3 min 05 s`, `2 h 07 min`, `4 d 3 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours = minutes // 60
    return f"{hours} h {minutes % 60:02} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def size(count: float) -> str:
    """Bytes in words: `512 B`, `1.5 GB` (powers of 1000)."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} TB"
