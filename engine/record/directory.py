"""A run directory: what its files are called, making one, and finding one by part of its name."""

import os
import re
import secrets
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine import files
from engine.errors import LesionError, quoted, shortened
from engine.paths import is_folder

if TYPE_CHECKING:
    from engine.profile import Profile

PROFILE = "profile.toml"
MANIFEST = "manifest.json"
TRIALS = "trials.jsonl"
GENERATIONS = "generations.jsonl"
EVENTS = "events.jsonl"
ARTIFACTS = "artifacts"
SOURCE = f"{ARTIFACTS}/source"
"""Where an imported run keeps the files that it came from, as they were."""
INPUTS = "inputs"
REPORT_PAGE = "report.md"
REPORT_JSON = "report.json"
WORKER_LOG = "worker.log"
RUNNER_LOG = "runner.log"
LOCK = "lock"
STOP = "stop"
RESERVE = ".reserve"
CACHE = ".cache"
TABLE = ".table"

LONG = 1 << 20
"""Bytes from which on a journal is long, and what was read of it worth keeping: fewer are read in no time."""

# A folder of versioned runs inside the results folder, browsed and found like the rest.
SAMPLES = "samples"

_MARKS = (PROFILE, TRIALS, EVENTS, MANIFEST)
_LATEST = 250_000_000_000  # Unix seconds; a file system may hold later ones, a calendar may not
_STAMP = re.compile(r"\d{8}-\d{4}")


def is_run(path: Path) -> bool:
    """Whether `path` holds any of the files that make a run directory, complete or not."""
    try:
        return any(files.is_present(path / name) for name in _MARKS)
    except OSError:  # no path at all, or a folder that may not be entered
        return False


def read_profile(run: Path, *, must_exist: bool = False) -> "Profile":
    """The run's own profile, resolved. Raises LesionError when it is missing or damaged.

    `must_exist`: also when a model or text that it names is no longer there, which only matters for running it.
    """
    from engine.profile import load

    return load(profile_file(run), must_exist=must_exist)


def profile_file(run: Path) -> Path:
    """The file of the run's own profile. Raises LesionError where it is missing, or where it or one of the copies that
    it names is no plain file of the run."""
    path = run / PROFILE
    try:
        os.close(files.descriptor(path))
        odd = files.odd_entry(run / INPUTS)
    except FileNotFoundError:
        raise LesionError(f"{run} holds no {PROFILE}: it is not a run directory, or the file was removed") from None
    except OSError as error:
        name = Path(error.filename or PROFILE).name
        raise LesionError(f"{run / name} cannot be read: {error.strerror}") from error
    if odd:
        raise LesionError(odd)
    return path


def run_directories(results: Path) -> list[Path]:
    """Every run directory in the results folder, newest first by the time in its name; empty where there is no folder.

    Raises LesionError when `results` is a file or cannot be read.
    """
    try:
        folders = [path for path in results.iterdir() if path.is_dir()]
        if (samples := results / SAMPLES).is_dir():
            folders += [path for path in samples.iterdir() if path.is_dir()]
    except FileNotFoundError:
        return []
    except NotADirectoryError as error:
        raise LesionError(f"the results path {results} is a file: give a folder") from error
    except OSError as error:
        raise LesionError(f"the results folder {results} cannot be read: {error.strerror}") from error
    return sorted(filter(is_run, folders), key=_age, reverse=True)


def find(text: str, results: Path) -> Path:
    """The run that `text` means: a directory, a name in `results`, an unambiguous part of one, or "last", the newest.

    Raises LesionError, listing candidates, when none or several fit.
    """
    if text and is_run(Path(text)):
        return Path(text)
    runs = run_directories(results)
    exact = [run for run in runs if run.name == text]
    if not exact and text == "last" and runs:
        return runs[0]
    fitting = exact or [run for run in runs if text and text in run.name]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise LesionError(
            f"{quoted(text)} fits {len(fitting)} runs in {results}: {_listed(fitting)}; give more of the name"
        )
    if text and is_folder(text):
        raise LesionError(f"{text} is not a run directory: it holds no {PROFILE}")
    there = f"it holds {_listed(runs)}" if runs else "it holds no runs yet"
    raise LesionError(f"there is no run {quoted(text)} in {shortened(str(results))}: {there}")


def make_directory(name: str, results: Path) -> Path:
    """A new, empty directory `YYYYMMDD-HHMM-name-xxxx` in `results`, which is made when missing.

    Raises LesionError when it cannot be written.
    """
    run = results / new_name(name)
    try:
        results.mkdir(parents=True, exist_ok=True)
        run.mkdir()
    except (FileExistsError, NotADirectoryError) as error:
        raise LesionError(f"the results path {results} is a file, or lies below one: give a folder") from error
    except OSError as error:
        raise LesionError(f"the results folder {results} cannot be written: {error.strerror}") from error
    return run


def new_name(name: str) -> str:
    """What a new run of a profile of this name is called: `YYYYMMDD-HHMM-name-xxxx`."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "run"
    return f"{datetime.now():%Y%m%d-%H%M}-{slug}-{secrets.token_hex(2)}"


def _age(run: Path) -> tuple[str, int]:
    try:
        made = next(path for name in _MARKS if files.is_present(path := run / name)).lstat().st_mtime_ns
    except (OSError, StopIteration):
        made = 0
    stamp = _STAMP.match(run.name)
    return (stamp[0] if stamp else time.strftime("%Y%m%d-%H%M", time.localtime(min(made / 1e9, _LATEST))), made)


def _listed(runs: list[Path], most: int = 5) -> str:
    names = ", ".join(run.name for run in runs[:most])
    return names if len(runs) <= most else f"{names} and {len(runs) - most} more"
