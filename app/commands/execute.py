"""Commands that run things: run, resume, replay, attach, stop."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import output, words
from app.commands import options
from engine import finding
from engine.errors import LesionError

if TYPE_CHECKING:
    from app.headless import View
    from engine.runs import RunStatus

SOME_FAILED, INTERRUPTED = 1, 130
MOST_DIFFERENCES = 20

Detach = Annotated[bool, typer.Option("--detach", "-d", help="Start the run, print its directory and return.")]
Device = Annotated[
    str | None, typer.Option("--device", metavar="DEVICE", help="cpu, cuda or cuda:1 instead of the profile's.")
]
Moved = Annotated[
    list[str] | None,
    typer.Option(
        "--model", metavar="OLD=NEW", help="Where a model now is that the run has in another folder; may be repeated."
    ),
]
Charts = Annotated[bool, typer.Option("--charts", help="At the end print charts, as lesion chart does.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    for command in (run, resume, replay, attach, stop):
        app.command()(command)


def run(
    profile: options.ProfileName,
    set_: options.Overrides = None,
    detach: Detach = False,
    device: Device = None,
    trust_remote_code: options.TrustRemoteCode = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    charts: Charts = False,
    results: options.Results = options.RESULTS,
) -> int:
    """Run a profile and watch it. The run outlives this terminal.

    Ctrl-C ends it after the current trial, a second Ctrl-C at once; lesion resume goes on.

    Examples: lesion run demo · lesion run sweep.toml --set seeds.count=2 --json
    """
    from engine import profile as profiles
    from engine import runs

    if as_json and charts:
        raise LesionError("--json and --charts both write to stdout: give one of them")
    source = finding.profile_path(profile)
    loaded = profiles.load(source, [*(set_ or ()), *_device(device)])
    if not quiet:
        for remark in profiles.remarks(loaded):
            output.say(f"note: {remark}")
    directory = runs.create(loaded, results, source=source, trust_remote_code=trust_remote_code)
    return _start(directory, _How(trust_remote_code, detach, as_json, quiet, charts))


def resume(
    run: options.RunName,
    detach: Detach = False,
    device: Device = None,
    model: Moved = None,
    trust_remote_code: options.TrustRemoteCode = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    charts: Charts = False,
    results: options.Results = options.RESULTS,
) -> int:
    """Go on with a run that was stopped or crashed.

    Finished trials are kept. A model in a folder may have moved: --model says where it is, and other weights are
    refused.

    Examples: lesion resume last · lesion resume 3f9c --model my-model=/data/my-model
    """
    from engine import profile as profiles
    from engine import runs
    from engine.runs.moves import moves, parse_moves

    folder = runs.find(run, results)
    if runs.is_complete(folder):
        output.say(f"{folder.name} is done: nothing is left to run")
        if as_json:
            output.show_json(_result(folder, runs.status(folder)))
        return 0
    if device is not None:
        profiles.load(runs.profile_file(folder), _device(device), must_exist=False)  # refuses a device that cannot be
    places = moves(folder, parse_moves(folder, model or []))
    return _start(folder, _How(trust_remote_code, detach, as_json, quiet, charts), device, places)


def replay(
    run: options.RunName,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare with the original; exit status 1 where they differ.")
    ] = False,
    device: Device = None,
    model: Moved = None,
    trust_remote_code: options.TrustRemoteCode = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    results: options.Results = options.RESULTS,
) -> int:
    """Run the profile of a run once more, as a new run.

    Seeds, texts and threads are those of the original; with --verify its results are compared too. A model in a folder
    may have moved: --model says where it is, and other weights are refused.

    Examples: lesion replay 3f9c --verify · lesion replay 3f9c --model my-model=/data/my-model
    """
    from engine import runs
    from engine.runs.moves import parse_moves

    original = runs.find(run, results)
    models = parse_moves(original, model or [])
    repeated = runs.repeat(
        original, results, overrides=_device(device), models=models, trust_remote_code=trust_remote_code
    )
    exit_status = _start(repeated, _How(trust_remote_code, as_json=as_json, quiet=quiet))
    if not verify or exit_status == INTERRUPTED:
        return exit_status
    return _verify(original, repeated)


def attach(
    run: options.RunName,
    console: Annotated[bool, typer.Option("--console", help="Watch in the console instead.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    results: options.Results = options.RESULTS,
    profiles: options.Profiles = options.PROFILES,
) -> int:
    """Watch a run that is going on.

    Ctrl-C ends the watching, not the run.

    Example: lesion attach last
    """
    from app.headless import Interrupts, attend
    from engine import runs

    folder = runs.find(run, results)
    if console:
        from app.commands import browse

        return browse.console(results, profiles, folder)
    with Interrupts() as interrupts:
        attend(folder, _view(quiet), interrupts)
    if interrupts.count:
        return INTERRUPTED
    return _end(folder, as_json=as_json, quiet=quiet)


def stop(
    run: options.RunName,
    now: Annotated[bool, typer.Option("--now", help="Do not finish the current trial.")] = False,
    results: options.Results = options.RESULTS,
) -> int:
    """Ask a run to end after its current trial.

    Example: lesion stop last --now
    """
    from engine import runs

    folder = runs.find(run, results)
    runs.stop(folder, now=now)
    output.say(
        f"{folder.name} stops {'now' if now else 'after its current trial'}; go on with: lesion resume {folder.name}"
    )
    return 0


@dataclass(frozen=True)
class _How:
    """How to start a run and what to show of it."""

    trust_remote_code: bool
    detach: bool = False
    as_json: bool = False
    quiet: bool = False
    charts: bool = False


def _device(device: str | None) -> list[str]:
    """The option --device as an override of the profile, where it is checked and recorded."""
    return [] if device is None else [f"model.device={device}"]


def _start(run: Path, how: _How, device: str | None = None, models: Mapping[str, str] | None = None) -> int:
    """Start the runner, watch it unless that is not wanted, and sum up; returns the exit status."""
    from app.headless import Interrupts, follow
    from engine import runs

    # A Ctrl-C while the runner starts is kept for the watching, which knows how to stop it.
    with Interrupts() as interrupts:
        process = runs.start(run, trust_remote_code=how.trust_remote_code, device=device, models=models)
        if how.detach:
            return _leave(run, how)
        if not how.quiet:
            output.say(f"run {run}")
        follow(run, process, _view(how.quiet), interrupts)
    if how.charts and not interrupts.count and runs.status(run).ok:
        from app.commands.chart import print_charts

        print_charts(run)
    exit_status = _end(run, as_json=how.as_json, quiet=how.quiet)
    return INTERRUPTED if interrupts.count else exit_status


def _leave(run: Path, how: _How) -> int:
    from engine import runs
    from engine.profile import versions
    from engine.runs.manifest import of_versions

    manifest = runs.read_manifest(run)
    for reason in (
        *manifest.get("left_out", {}).values(),
        *of_versions(run, manifest, versions(runs.read_profile(run))),
    ):
        output.say(f"warning: {reason}")
    if not how.quiet:
        output.say(f"running on its own; watch it with: lesion attach {run.name}")
    output.show_json(_result(run, runs.status(run))) if how.as_json else output.show(str(run))
    return 0


def _view(quiet: bool) -> View:
    from app import headless

    if quiet:
        return headless.View(sys.stderr)
    live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return headless.Panel(sys.stderr) if live else headless.Lines(sys.stderr)


def _end(run: Path, *, as_json: bool, quiet: bool) -> int:
    """Sum the run up; 0 done, 1 some trials failed or the run broke off, 130 stopped before its end."""
    from engine import runs

    ended = runs.status(run)
    if ended.state in ("failed", "crashed"):
        output.say(f"lesion: the run {ended.state}: {ended.text}")
    if not quiet:
        counts = f"{ended.ok} ok, {ended.failed} failed, {ended.oom} out of memory"
        done = f"{ended.done} of {ended.total} trials in {words.duration(ended.seconds)}"
        output.say(f"{ended.state}: {done}: {counts}")
        output.say(f"open it with: {options.program()} open {run}")
    output.show_json(_result(run, ended)) if as_json else output.show(str(run))
    if ended.state == "stopped":
        return INTERRUPTED
    return SOME_FAILED if ended.failed or ended.oom or ended.state != "done" else 0


def _result(run: Path, ended: RunStatus) -> dict[str, str | int | float]:
    return {
        "run": str(run),
        "trials": ended.total,
        "ok": ended.ok,
        "failed": ended.failed,
        "oom": ended.oom,
        "seconds": round(ended.seconds, 3),
    }


def _verify(original: Path, repeated: Path) -> int:
    from engine.runs.replay import verify

    comparison = verify(original, repeated)
    for reason in (*comparison.reasons, *comparison.allowances):
        output.say(f"note: {reason}")
    for diff in comparison.differences[:MOST_DIFFERENCES]:
        output.say(f"differs: trial {diff.trial}, {diff.what}: {diff.original!r} became {diff.replayed!r}")
    exactly = "bit for bit" if comparison.exact_expected else "up to rounding"
    outcome = f"equal {exactly}" if comparison.equal else f"{len(comparison.differences)} differences"
    output.say(f"{outcome}: {comparison.trials} trials and {comparison.texts} texts compared")
    return 0 if comparison.equal else SOME_FAILED
