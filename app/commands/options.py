"""Options and small helpers that several commands share."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, TextIO

import typer

from engine.errors import LesionError, quoted
from engine.finding import OWN

RESULTS = Path("results")
PROFILES = OWN


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
Ascii = Annotated[
    bool,
    typer.Option("--ascii", help="Draw the console with ASCII alone, as is done where TERM is linux."),
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


def colourful(stream: TextIO) -> bool:
    """Whether to write colours: a terminal that has them, and NO_COLOR unset."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
