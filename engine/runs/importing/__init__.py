"""Results of other programs, brought in: files of a known format become runs like our own, marked as imported.

A format is a module of this folder and a line of FORMATS. Nothing here loads torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import files
from engine.errors import LesionError
from engine.record.directory import MANIFEST, run_directories
from engine.record.manifest import read_manifest
from engine.runs.control import create
from engine.runs.importing.attack import AttackStudy
from engine.runs.importing.critical import RankedCsv
from engine.runs.importing.degradation import DegradationJson
from engine.runs.importing.found import Format, Found
from engine.runs.importing.into_profile import Match
from engine.runs.importing.survey import SurveyJson
from engine.runs.importing.tree import Tree
from engine.runs.importing.writing import digest, move, shed_in, write, write_into

FORMATS: tuple[Format, ...] = (AttackStudy(), SurveyJson(), RankedCsv(), DegradationJson())
"""Every format, in the order in which files are held against them."""

_MOST_NAMED = 5


@dataclass(frozen=True)
class Import:
    """A run that was made of foreign files.

    Attributes:
        run: its directory.
        format: of the files.
        trials, texts: how many it has.
        notes: what is not mapped, or is not told by the files, a sentence each.
    """

    run: Path
    format: str
    trials: int
    texts: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Imports:
    """What one import came to: its runs, and the files that no format knows, by their paths."""

    runs: tuple[Import, ...]
    unknown: tuple[str, ...]


def bring_in(paths: Sequence[Path], results: Path, *, model: str | None = None, again: bool = False) -> Imports:
    """Turn files and folders of other programs into runs in `results`; all of them, or none.

    `model` is which model it was, where the files do not say. `again`: also what was imported before. Raises
    LesionError for a path without any such file, a damaged file, and what was imported before.
    """
    found: list[Found] = []
    unknown: list[str] = []
    for path in paths:
        tree = Tree(path)
        here = [run for known in FORMATS for run in known.find(tree, model)]
        used = {name for run in here for name in run.files}
        if not here:
            raise LesionError(f"{path} is in no format that can be imported; known are: {_known()}")
        found += here
        unknown += [tree.where(name) for name in tree.names if name not in used]
    if not again:
        _refuse_repeats(found, results)
    runs = write(found, results)
    made = (
        Import(run, one.format, len(one.trials), len(one.texts), tuple(one.notes))
        for run, one in zip(runs, found, strict=True)
    )
    return Imports(tuple(made), tuple(unknown))


def bring_into(path: Path, profile: Path, results: Path, *, again: bool = False) -> Import:
    """A run of a profile of ours in which the trials are done whose texts a list of the degradation study has whole;
    `engine.runs.start` runs the rest.

    Raises LesionError where the profile cannot be run, no trial is there whole, and what was imported before.
    """
    match = Match(Tree(path), profile)
    if not again:
        _refuse_repeats([match.found], results)
    with shed_in(results) as shed:
        run = create(match.profile, shed, source=profile)
        match.fill(run)
        write_into(match.found, run)
        try:
            [moved] = move([run], results)
        except OSError as error:
            raise LesionError(f"nothing is imported: {results} cannot be written: {error.strerror}") from error
    found = match.found
    return Import(moved, found.format, len(found.trials), len(found.texts), tuple(found.notes))


def _known() -> str:
    return ", ".join(one.name for one in FORMATS)


def _refuse_repeats(found: Sequence[Found], results: Path) -> None:
    """Raises LesionError where a run of `results`, or another of these, came from the same files."""
    there: dict[str, str] = {}
    for run in run_directories(results):
        if files.is_present(run / MANIFEST):
            try:
                imported = read_manifest(run).get("imported", {})
            except LesionError:  # a damaged run is no reason to import nothing
                continue
            there[imported.get("digest", "")] = run.name
    for one in found:
        if name := there.get(digest(one)):
            raise LesionError(f"{one.tree.path} is imported already, as run {name}; --again imports it once more")
        there[digest(one)] = f"{one.name}, from another path given here"
