"""A run in the shape in which another program writes its results: the files that `lesion import` reads.

A shape is a module of this folder and a line of SHAPES. What a shape has no place for stands under one more key or
column, `lesion`, which other programs pass over and an import reads back.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from engine import files
from engine.analysis.shapes.attack import attack_study
from engine.analysis.shapes.critical import perturbation_csv, ranked_csv
from engine.analysis.shapes.degradation import degradation_json
from engine.analysis.shapes.recorded import Recorded, Shaped
from engine.analysis.shapes.survey import survey_json
from engine.errors import LesionError
from engine.record.directory import SOURCE

SHAPES: dict[str, Callable[[Recorded], Shaped]] = {
    "degradation-json": degradation_json,
    "ranked-csv": ranked_csv,
    "perturbation-csv": perturbation_csv,
    "survey-json": survey_json,
    "attack-study": attack_study,
}
"""By the name of the format."""

FOLDERS = ("ranked-csv", "attack-study")
"""Those of several files."""


def shaped(run: Path, name: str) -> Shaped:
    """The run in one of SHAPES. One that was imported from files of that shape is those files again, where it kept
    them.

    Raises LesionError where the run has nothing that the shape is of, and where it cannot be read.
    """
    recorded = Recorded(run)
    return _as_it_came(recorded, name) or SHAPES[name](recorded)


def write_shaped(run: Path, name: str, folder: Path) -> Shaped:
    """Write the files of a shape into a folder that is new or empty. Raises LesionError as `shaped` does, and where the
    folder holds something or cannot be written."""
    made = shaped(run, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise LesionError(f"{folder} is not empty: give a new folder for the files of {name}")
        for inner, content in made.files.items():
            (folder / inner).parent.mkdir(parents=True, exist_ok=True)
            files.replace(folder / inner, content, below=folder)
    except OSError as error:
        raise LesionError(f"cannot write to {folder}: {error.strerror}; give a folder") from error
    return made


def _as_it_came(recorded: Recorded, name: str) -> Shaped | None:
    """The files that the run was imported from; None where they are of another shape, or not all there as they were."""
    imported = recorded.imported
    if imported.get("format") != name or not (known := imported.get("files")):
        return None
    if any(record.imported is None for record in recorded.trials):  # there is more by now
        return None
    found = {}
    for inner, digest in known.items():
        if ".." in PurePosixPath(inner).parts or inner.startswith("/"):
            return None
        try:
            content = files.read_bytes(recorded.run / SOURCE / inner, below=recorded.run)
        except OSError:
            return None
        if hashlib.sha256(content).hexdigest() != digest:
            return None
        found[inner] = content
    return Shaped(found, len(recorded.trials))
