"""Lesion from Python: run a profile, open a run, read what it found; `import engine` offers it all. No torch here."""

import os
import time
import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import TYPE_CHECKING, Any

from engine import runs
from engine.errors import LesionError, shortened
from engine.finding import profile_path
from engine.profile import Profile, load, parse, remarks, setting, to_toml
from engine.profile.overrides import override
from engine.profile.toml import DEEPEST
from engine.record.events import WarningEvent

if TYPE_CHECKING:
    import pandas as pd

_LOOK_SECONDS = 0.1
_LONGEST_NUMBER = 64  # bits, of whole numbers in TOML


@dataclass(frozen=True)
class Run:
    """One run: a directory on disk, read anew with every call, so that a run under way can be followed."""

    path: Path

    def status(self) -> runs.RunStatus:
        """Where it stands: state, and how many of its trials are done, ok, failed and out of memory."""
        return runs.status(self.path)

    def table(self) -> "pd.DataFrame":
        """One row a trial: what it was, its metrics, and their signed change from the baseline in percent."""
        from engine import analysis

        return analysis.table(self.path)

    def trials(self) -> list[dict[str, Any]]:
        """The finished trials in the order of the journal, each a dict with the fields that docs/PROTOCOL.md lists."""
        return [record.encode() for record in runs.read_trials(self.path)]

    def generations(self) -> list[dict[str, Any]]:
        """The texts that were written, each a dict with its trial, as docs/PROTOCOL.md lists it."""
        return [text.encode() for text in runs.read_generations(self.path)]

    def profile(self) -> Profile:
        """What the run was asked to do, every default written out."""
        return runs.read_profile(self.path)

    def warnings(self) -> list[str]:
        """What the run said about itself: what was switched off, left out or made smaller, and why."""
        return [event.text for event in runs.Watch(self.path).poll().events if isinstance(event, WarningEvent)]

    def resume(
        self,
        *,
        device: str | None = None,
        trust_remote_code: bool = False,
        models: Mapping[str, str | Path] | None = None,
    ) -> "Run":
        """Go on with a run that was stopped or crashed, wait for it as `run` does, and return it.

        Finished trials are kept; a run that is done is returned as it is. `models` says where models in folders and
        files are now, by their names in the profile or the last part of those: {"my-model": "/data/my-model"}. Raises
        LesionError as `run` does, and where a model has other weights than it had.
        """
        if not runs.is_complete(self.path):
            places = {name: str(place) for name, place in (models or {}).items()}
            started = runs.start(self.path, trust_remote_code=trust_remote_code, device=device, models=places)
            _attend(self.path, started)
        return self


def run(
    profile: str | Path | Mapping[str, Any] | Profile,
    *,
    set: Mapping[str, Any] | None = None,
    results: str | Path | None = None,
    device: str | None = None,
    trust_remote_code: bool = False,
) -> Run:
    """Run a profile, wait for it, and return the run.

    The run is a process of its own, the same that `lesion run` starts. Ctrl-C ends it after the trial at hand, a second
    one at once; then KeyboardInterrupt is raised, and `open_run("last").resume()` goes on. Trials that fail are
    results: they are in the table, with their status. What may surprise in the profile is a UserWarning.

    Args:
        profile: a TOML file, the name of a profile as `lesion run` takes it ("demo"), the tables of one as a dict, or a
            Profile. Relative paths in a dict start here.
        set: keys to override, dotted: {"seeds.count": 2, "damage.0.levels": [0.0, 0.5]}.
        results: the folder that the run's directory is made in; $LESION_RESULTS or "results" where it is not given.
        device: "cpu", "cuda" or "cuda:1" in place of the profile's.
        trust_remote_code: let models and folders of tasks run Python code of their own.

    Raises:
        LesionError: a mistake in the profile, or the run could not begin or not be brought to its end.

    >>> import engine
    >>> run = engine.run("profile.toml", set={"seeds.count": 1})
    >>> run.status().state
    'done'
    >>> list(run.table()[["model", "method", "level"]].itertuples(index=False, name=None))
    [('petri-4k', 'none', nan), ('petri-4k', 'ablation', 0.0), ('petri-4k', 'ablation', 1.0)]
    """
    loaded, source = _profile(profile, _overrides(set, device))
    for remark in remarks(loaded):
        warnings.warn(remark, stacklevel=2)
    made = runs.create(loaded, _results(results), source=source, trust_remote_code=trust_remote_code)
    _attend(made, runs.start(made, trust_remote_code=trust_remote_code))
    return Run(made)


def open_run(path: str | Path, *, results: str | Path | None = None) -> Run:
    """A run that is there already: its directory, an unambiguous part of its name in `results`, or "last".

    Raises LesionError, listing candidates, where none or several fit.
    """
    if not isinstance(path, str | Path):
        raise LesionError(f"a run is a directory, a part of its name or 'last', not {_type(path)}")
    return Run(runs.find(str(path), _results(results)))


def _profile(profile: str | Path | Mapping[str, Any] | Profile, overrides: list[str]) -> tuple[Profile, Path | None]:
    """The profile and the file it came from, if it did."""
    if isinstance(profile, str | Path):
        file = profile_path(str(profile))
        return load(file, overrides), file
    if isinstance(profile, Profile):
        tables = tomllib.loads(to_toml(profile))
    elif isinstance(profile, Mapping):
        tables = _plain(profile, "the profile")
    else:
        raise LesionError(f"a profile is a file, a name, a dict or a Profile, not {_type(profile)}")
    for text in overrides:
        override(tables, text)
    return parse(tables, "profile", Path.cwd()), None


def _overrides(changes: Mapping[str, Any] | None, device: str | None) -> list[str]:
    if not isinstance(changes, Mapping | None):
        raise LesionError(f"set takes a dict of dotted keys, such as {{'seeds.count': 2}}, not {_type(changes)}")
    every = dict(changes or {}) | ({} if device is None else {"model.device": device})
    return [setting(str(key), _plain(value, f"set {shortened(str(key))}")) for key, value in every.items()]


def _plain(value: Any, where: str, depth: int = 0) -> Any:
    """A copy in the types that TOML has: tuples become lists, paths text, and keys of tables that are None go."""
    if depth > DEEPEST:
        raise LesionError(f"{where}: there are more than {DEEPEST} tables and lists within one another")
    if isinstance(value, Mapping):
        items = ((str(key), inner) for key, inner in value.items() if inner is not None)
        return {key: _plain(inner, f"{where}, {shortened(key)}"[:200], depth + 1) for key, inner in items}
    if isinstance(value, list | tuple):
        return [_plain(inner, where, depth + 1) for inner in value]
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER:
        raise LesionError(f"{where}: a whole number of {value.bit_length():,} bits; {_LONGEST_NUMBER} are accepted")
    if not isinstance(value, str | int | float | Path):
        accepted = "give text, a number, True or False, a list or a dict"
        raise LesionError(f"{where}: {shortened(repr(value))} cannot stand in a profile; {accepted}")
    return str(value) if isinstance(value, Path) else value


def _type(value: object) -> str:
    return f"of type {type(value).__name__}"


def _results(folder: str | Path | None) -> Path:
    if not isinstance(folder, str | Path | None):
        raise LesionError(f"results is a folder, a text or a Path, not {_type(folder)}")
    return Path(folder or os.environ.get("LESION_RESULTS") or "results")


def _attend(path: Path, process: "Popen[bytes]") -> None:
    """Wait until the runner has ended. Raises LesionError where it could not go on."""
    interrupts = 0
    while process.poll() is None:
        try:
            time.sleep(_LOOK_SECONDS)
        except KeyboardInterrupt:
            interrupts += 1
            _ask_to_stop(path, now=interrupts > 1)
    if interrupts:
        raise KeyboardInterrupt
    status = runs.status(path)
    if status.state in ("failed", "crashed"):
        raise LesionError(f"run {path.name} {status.state}: {status.text}")


def _ask_to_stop(path: Path, *, now: bool) -> None:
    try:
        runs.stop(path, now=now)
    except LesionError:  # it has just ended by itself
        return
