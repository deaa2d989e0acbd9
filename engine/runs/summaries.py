"""A line about every run in the results folder, quick enough for hundreds of them, and unharmed by a broken one."""

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine import files
from engine.errors import LesionError, shortened
from engine.profile import toml
from engine.record.directory import CACHE, EVENTS, PROFILE, TRIALS, read_profile, run_directories
from engine.record.kinds import Kind, amount, count, listed, maybe, moment, named, text, unusable
from engine.record.lines import Plain, parse
from engine.record.trials import STATUSES
from engine.runs.status import ENDED, RunStatus, State, judge
from engine.runs.tally import Counter, Tally, tally

_CACHE_VERSION = 4
_SETTLED_SECONDS = 5.0  # a run that is being written is counted anew each time
_KEPT = 4096  # runs that a console remembers while their files stay as they are
_GROWING = 64  # runs whose files are counted bit by bit while they grow

_Stamp = tuple[int, int, int]
"""Size, time of the last change in nanoseconds, and inode of a file."""

_TALLY: dict[str, Kind] = {
    "total": count,
    "counts": Kind("counts", lambda counts: named(count)(counts) and counts.keys() == set(STATUSES)),
    "started": maybe(moment),
    "life_started": maybe(moment),
    "done_before": count,
    "seconds_before": amount,
    "last": moment,
    "state": maybe(text),
    "text": text,
    "fault": text,
    "imported": count,
}


_DESCRIPTION: dict[str, Kind] = {"name": text, "models": listed(text), "methods": listed(text)}


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
    imported: int = 0
    """Trials that another program made."""

    @property
    def state_word(self) -> str:
        """What a list says of it: its state, whether it cannot be read whole, and whether it was imported."""
        if self.fault and self.state in ENDED:
            return "damaged"
        if not self.imported:
            return self.state
        return "imported" if self.state == "done" else f"{self.state}, imported"


def summaries(results: Path) -> list[RunSummary]:
    """Every run in `results`, newest first. A broken run is listed with its fault.

    Raises LesionError when `results` itself cannot be read.
    """
    return [summary(run) for run in run_directories(results)]


def summary(run: Path) -> RunSummary:
    """One run in brief. Never raises: `fault` says what is wrong."""
    profile = None
    try:
        profile, counted = _counted(run, tuple(_stamp(run / name) for name in (TRIALS, EVENTS, PROFILE)))
        status = judge(run, counted)
    except (LesionError, OSError) as error:
        status = _unknown(str(error))
    except Exception as error:  # one run must not take the whole list with it
        status = _unknown(f"a fault in Lesion itself while reading it ({type(error).__name__}: {error})")
    profile = profile or _profile(run)
    return RunSummary(
        run,
        profile.name,
        status.state,
        status.total,
        status.done,
        status.ok,
        status.failed,
        status.oom,
        status.started,
        status.seconds,
        profile.models,
        profile.methods,
        profile.fault or status.fault or None,
        status.imported,
    )


def _unknown(fault: str) -> RunStatus:
    return RunStatus("crashed", 0, 0, 0, 0, 0, None, 0.0, "", fault=fault)


@dataclass(frozen=True)
class _Description:
    """What a run's profile says of it, read without validating it, or what is wrong with it."""

    name: str
    models: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    fault: str = ""


def _profile(run: Path) -> _Description:
    try:
        return _described(run, _stamp(run / PROFILE))
    except FileNotFoundError:
        wrong = f"it holds no {PROFILE}: it is not a run directory, or the file was removed"
    except OSError as error:
        wrong = f"{PROFILE} cannot be read: {error.strerror}"
    return _Description(run.name, fault=wrong)


@lru_cache(maxsize=_KEPT)
def _described(run: Path, stamp: _Stamp | None) -> _Description:
    """Read anew only when the `stamp` of the profile is another one. Raises OSError, which is not remembered."""
    try:
        with files.reading(run / PROFILE) as file:
            content = file.read(toml.LARGEST_FILE + 1)
        if len(content) > toml.LARGEST_FILE:
            return _Description(run.name, fault=f"{PROFILE} is larger than any profile")
        tables = toml.loads(content.decode())
        models, methods = list(tables["model"]["names"]), [str(damage["method"]) for damage in tables["damage"]]
        return _Description(str(tables["name"]), tuple(map(str, models)), tuple(dict.fromkeys(methods)))
    except KeyError as error:
        wrong = f"{PROFILE} is damaged: {error} is missing"
    except (ValueError, TypeError) as error:
        wrong = f"{PROFILE} is damaged: {shortened(str(error))}"
    return _Description(run.name, fault=wrong)


@lru_cache(maxsize=_KEPT)
def _counted(run: Path, stamps: tuple[_Stamp | None, ...]) -> tuple[_Description | None, Tally]:
    """What the profile says, None where that is a fault, and the tally; from the cache beside the run while the files
    that they are from are unchanged."""
    known = [list(stamp) if stamp else None for stamp in stamps]
    cached = _cached(run)
    if cached.get("v") == _CACHE_VERSION and cached.get("stamp") == known and _is_usable(cached):
        told = cached["profile"]
        sound = told and _Description(told["name"], tuple(told["models"]), tuple(told["methods"]))
        return sound, Tally(**cached["tally"])
    settled = time.time() - max((stamp[1] / 1e9 for stamp in stamps if stamp), default=0.0) > _SETTLED_SECONDS
    profile, counted = _profile(run), tally(run) if settled else _counter(run).count()
    if not counted.total:
        counted.total = _planned(run)
    sound = None if profile.fault else profile
    if settled:
        told = sound and {name: getattr(sound, name) for name in _DESCRIPTION}
        _cache(run, {"v": _CACHE_VERSION, "stamp": known, "profile": told, "tally": asdict(counted)})
    return sound, counted


@lru_cache(maxsize=_GROWING)
def _counter(run: Path) -> Counter:
    """Of a run that may be growing: what a console has counted before it does not count again."""
    return Counter(run)


def _is_usable(cached: Plain) -> bool:
    """Whether a cache holds a description or none, and a tally, of the right kinds throughout."""
    described = "profile" in cached and (cached["profile"] is None or _holds(cached["profile"], _DESCRIPTION))
    return described and _holds(cached.get("tally"), _TALLY)


def _holds(value: Any, kinds: dict[str, Kind]) -> bool:
    return isinstance(value, dict) and value.keys() == kinds.keys() and not unusable(value, kinds, {})


def _planned(run: Path) -> int:
    try:
        return read_profile(run).trial_count
    except LesionError:
        return 0


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _cached(run: Path) -> Plain:
    try:
        return parse(files.read_bytes(run / CACHE)) or {}
    except OSError:
        return {}


def _cache(run: Path, content: Plain) -> None:
    with suppress(OSError):  # the results may be read-only: the next look counts again
        files.replace(run / CACHE, json.dumps(content).encode(), shared=True)
