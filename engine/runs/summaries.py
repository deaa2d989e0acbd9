"""A line about every run in the results folder, quick enough for hundreds of them, and unharmed by a broken one."""

import json
import time
import tomllib
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine import files
from engine.errors import LesionError
from engine.runs.directory import CACHE, EVENTS, PROFILE, TRIALS, read_profile, run_directories
from engine.runs.lines import Record, parse
from engine.runs.status import RunStatus, State, Tally, judge, tally

_CACHE_VERSION = 1
_SETTLED_SECONDS = 5.0  # a run that is being written is counted anew each time


@dataclass(frozen=True)
class RunSummary:
    """One run in a list. Where `fault` says what is wrong with it, the numbers are what could still be read."""

    path: Path
    name: str
    """The profile's name; the directory's where there is no profile."""
    state: State
    total: int
    done: int
    ok: int
    failed: int
    oom: int
    started: float | None
    """Unix seconds."""
    seconds: float
    models: tuple[str, ...]
    methods: tuple[str, ...]
    fault: str | None


def summaries(results: Path) -> list[RunSummary]:
    """Every run in `results`, newest first. A broken run is listed with its fault.

    Raises LesionError when `results` itself cannot be read.
    """
    return [summary(run) for run in run_directories(results)]


def summary(run: Path) -> RunSummary:
    """One run in brief. Never raises: `fault` says what is wrong."""
    name, models, methods, fault = _described(run)
    try:
        status = judge(run, _counted(run))
    except (LesionError, OSError, ValueError, TypeError) as error:
        status, fault = RunStatus("crashed", 0, 0, 0, 0, 0, None, 0.0, ""), fault or str(error)
    return RunSummary(
        run,
        name,
        status.state,
        status.total,
        status.done,
        status.ok,
        status.failed,
        status.oom,
        status.started,
        status.seconds,
        models,
        methods,
        fault,
    )


def _described(run: Path) -> tuple[str, tuple[str, ...], tuple[str, ...], str | None]:
    """Name, models and methods from the profile, read without validating it, and what is wrong with it."""
    try:
        table = tomllib.loads(files.read_bytes(run / PROFILE).decode())
        name, models = str(table["name"]), tuple(map(str, table["model"]["names"]))
        return name, models, tuple(dict.fromkeys(str(damage["method"]) for damage in table["damage"])), None
    except FileNotFoundError:
        wrong = f"{run} holds no {PROFILE}: it is not a run directory, or the file was removed"
    except OSError as error:
        wrong = f"{run / PROFILE} cannot be read: {error.strerror}"
    except (ValueError, KeyError, TypeError) as error:
        wrong = f"{run / PROFILE} is damaged: {' '.join(str(error).split())}"
    return run.name, (), (), wrong


def _counted(run: Path) -> Tally:
    """The tally of a run, from the cache beside it while the files it was counted from are unchanged."""
    stamp = [_stamp(run / name) for name in (TRIALS, EVENTS, PROFILE)]
    cached = _cached(run)
    if cached.get("v") == _CACHE_VERSION and cached.get("stamp") == stamp:
        return Tally(**cached["tally"])
    counted = tally(run)
    if not counted.total:
        counted.total = _planned(run)
    if time.time() - max((found[1] / 1e9 for found in stamp if found), default=0.0) > _SETTLED_SECONDS:
        _cache(run, {"v": _CACHE_VERSION, "stamp": stamp, "tally": asdict(counted)})
    return counted


def _planned(run: Path) -> int:
    from engine.profile import trials

    try:
        return len(trials(read_profile(run), run))
    except LesionError:
        return 0


def _stamp(path: Path) -> list[int] | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _cached(run: Path) -> Record:
    try:
        return parse(files.read_bytes(run / CACHE)) or {}
    except OSError:
        return {}


def _cache(run: Path, content: dict[str, Any]) -> None:
    with suppress(OSError):  # the results may be read-only: the next look counts again
        files.replace(run / CACHE, json.dumps(content).encode(), shared=True)
