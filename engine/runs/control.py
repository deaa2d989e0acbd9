"""Making a run, starting its runner, and asking it to stop."""

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine import files
from engine.errors import LesionError
from engine.record.directory import EVENTS, PROFILE, RUNNER_LOG, STOP, make_directory, profile_file, read_profile
from engine.record.lines import WriteError, complete_lines, complete_size, unwritten, write_whole
from engine.record.manifest import ModelFacts
from engine.record.records import read_trials, short_of_texts
from engine.runs import lock, manifest
from engine.runs.fitting import LeftOut, fitted
from engine.runs.processes import command, environment
from engine.runs.reaching import check_reachable
from engine.runs.status import status

if TYPE_CHECKING:
    from engine.profile import Profile

FINISH = b"finish\n"
NOW = b"now\n"
"""What the stop file says: end after the current trial, or at once."""

IMPORTED = "imported"
"""The measurement of runs that another program made."""

NO_ROOM = 3
"""The exit status of a runner that could not begin on a full disk, where it may not be able to say why."""

_START_SECONDS = 60.0  # on a busy host with its libraries on a network disk


def create(
    profile: "Profile",
    results: Path,
    *,
    source: Path | None,
    trust_remote_code: bool = False,
    weights: dict[str, ModelFacts] | None = None,
) -> Path:
    """A new run directory holding the resolved profile and copies of the files it names; nothing runs yet.

    `source`, the file the profile came from, is noted in the manifest. With `model.fit`, models that do not fit into
    memory are left out, which the manifest and the run's events tell. `weights`: by model the digest and dtype that it
    must have once it is loaded. Raises LesionError when `results` is not a folder that can be written, and as
    `engine.runs.fitting.fitted`, `engine.runs.reaching.check_reachable`, `engine.profile.resolve`,
    `engine.profile.keys.check_texts` and `engine.profile.trust.check_code` do.
    """
    from engine.profile import localise, resolve, to_toml, versions
    from engine.profile.keys import check_texts
    from engine.profile.trust import check_code
    from engine.profile.writing import check_readable

    check_code(profile, trust_remote_code)
    check_texts(profile)
    left: list[LeftOut] = []
    if profile.model.fit:
        profile, left = fitted(profile, trust_remote_code)
    check_reachable(profile)
    profile = resolve(profile)
    run = make_directory(profile.name, results)
    try:
        content = to_toml(localise(profile, run)).encode()
        check_readable(profile, len(content))
        write_whole(run / PROFILE, content)
        manifest.begin(run, source, {one.model: one.reason for one in left}, versions(profile), weights)
    except LesionError:
        shutil.rmtree(run, ignore_errors=True)
        raise
    except (OSError, WriteError) as error:
        shutil.rmtree(run, ignore_errors=True)
        raise LesionError(f"no run could be made in the results folder {results}: {error}") from error
    return run


def repeat(
    original: Path,
    results: Path,
    *,
    overrides: Sequence[str] = (),
    models: Mapping[str, str] | None = None,
    trust_remote_code: bool = False,
) -> Path:
    """A new run of the original's profile with "key=value" `overrides`; nothing runs yet.

    `models` says where the files of models lie that are no longer where the original has them, as
    `engine.runs.moves.moves` takes it. Raises LesionError as that and `create` do, and where a model in a folder or
    file has other weights than it had; where the original does not tell that of files, the new run ends when it loads
    them.
    """
    from engine.runs.moves import loaded_digests, moved, moves

    _refuse_imported(original, read_profile(original))
    places = moves(original, models or {})
    profile = moved(original, places, overrides)
    weights = loaded_digests(original, profile.model, places)
    source = profile_file(original)
    return create(profile, results, source=source, trust_remote_code=trust_remote_code, weights=weights)


def start(
    run: Path,
    *,
    trust_remote_code: bool = False,
    device: str | None = None,
    models: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start, or go on with, the run in a process of its own that outlives this one and its terminal.

    `models` says where the files of models lie that are no longer where the profile has them, as
    `engine.runs.moves.moves` takes it.

    Returns once the runner has the run. Raises LesionError with the runner's own sentence when it could not begin, and
    as `engine.profile.trust.check_code` does: that a run was allowed to run code before is no permission.
    """
    from engine.profile.trust import check_code

    profile = read_profile(run)
    _refuse_imported(run, profile)
    check_code(profile, trust_remote_code)
    flags = ["--trust-remote-code"] if trust_remote_code else []
    flags += ["--device", device] if device else []
    flags += [word for old, new in (models or {}).items() for word in ("--model", old, new)]
    events, log = complete_size(run / EVENTS), complete_size(run / RUNNER_LOG)
    try:
        with files.appending(run / RUNNER_LOG) as output:
            process = subprocess.Popen(
                command("engine.runs.runner", str(run.resolve()), *flags),
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:
        raise unwritten(RUNNER_LOG, run, error) from error
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        if _begun(run, events):
            return process
        time.sleep(0.02)
    if process.poll() is None or _begun(run, events):
        return process
    silent = f"the runner of {run} ended at once (status {process.returncode}) without a word"
    if process.returncode == NO_ROOM:
        silent = f"run {run.name} cannot begin, disk full: free space, then lesion resume {run.name}"
    raise LesionError(_said(run, log) or silent)


def stop(run: Path, *, now: bool = False) -> None:
    """Ask the runner to end after the current trial, or with `now` at once, leaving that trial unrecorded.

    Returns at once; the run's status tells when it has stopped. Raises LesionError when nobody runs it.
    """
    if not lock.is_held(run):
        raise LesionError(f"run {run.name} is not running: there is nothing to stop")
    try:
        files.replace(run / STOP, NOW if now else FINISH, shared=True)
    except OSError as error:
        raise LesionError(f"run {run} cannot be asked to stop: {error.strerror}") from error


def is_complete(run: Path) -> bool:
    """Whether the run is done and nothing of it was deleted since, so that there is nothing to resume.

    Raises LesionError, with what to do, where a journal is corrupt, and for a run that was imported.
    """
    if files.is_present(run / PROFILE):
        _refuse_imported(run, read_profile(run))
    ended = status(run)
    if ended.state != "done":
        return False
    records = read_trials(run)
    return len(records) >= ended.total and not short_of_texts(run, records)


def _refuse_imported(run: Path, profile: "Profile") -> None:
    """Raises LesionError for a run that another program made, in no profile of ours."""
    if any(measure.name == IMPORTED for measure in profile.measure):
        text = f"run {run.name} was imported: another program made it, and Lesion can neither go on with it nor repeat"
        raise LesionError(f"{text} it; lesion export, chart and open show what it holds")


def _begun(run: Path, before: int) -> bool:
    """Whether the runner has said that it started: its first event."""
    added = complete_lines(run / EVENTS, before)
    return any(b'"event":"started"' in line or b'"event":"resumed"' in line for line, _ in added)


def _said(run: Path, before: int) -> str:
    """What the runner has written to its log, a sentence for each mistake it found; of a traceback the last line."""
    try:
        words = files.read_bytes(run / RUNNER_LOG)[before:].decode(errors="replace").strip()
    except OSError:
        return ""
    return words.rpartition("\n")[2] if "Traceback (most recent" in words else words
