"""The command palette's commands that work on every screen."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from textual.app import SystemCommand
from textual.screen import Screen


class Lab(Protocol):
    """What the commands need of the app."""

    results: Path

    @property
    def screen(self) -> Screen[Any]: ...
    def call_later(self, callback: Callable[..., Any], *args: Any) -> bool: ...
    def push_screen(self, screen: Screen[Any], callback: Callable[[Any], Any]) -> Any: ...
    def say(self, text: str) -> None: ...
    def report(self, error: Exception) -> None: ...
    async def action_mode(self, mode: str) -> None: ...
    async def watch_run(self, run: Path) -> None: ...
    async def browse_run(self, run: Path) -> None: ...
    def action_switch_theme(self) -> None: ...
    def action_picture(self) -> None: ...
    def action_help(self) -> None: ...
    async def action_leave(self) -> None: ...


def commands(app: Lab) -> Iterable[SystemCommand]:
    """Every command that works wherever the user is; a screen adds its own."""
    yield SystemCommand("Open profile", "Find a profile by name and edit it", lambda: _design(app, "open_profile"))
    yield SystemCommand("New profile", "Start from a small example", lambda: _design(app, "new_profile"))
    yield SystemCommand("Open run", "Find a run by name and read its results", lambda: _open_run(app))
    yield SystemCommand("Watch run", "Find a run by name and watch it", lambda: _open_run(app, live=True))
    yield SystemCommand("Design", "The screen of profiles", lambda: app.call_later(app.action_mode, "design"))
    yield SystemCommand("Live", "The screen of one run as it goes", lambda: app.call_later(app.action_mode, "live"))
    yield SystemCommand("Browse", "The screen of results", lambda: app.call_later(app.action_mode, "browse"))
    yield SystemCommand("Switch theme", "Dark, light, high contrast; kept for the next time", app.action_switch_theme)
    yield SystemCommand("Save screenshot", "This screen as an SVG file in the results folder", app.action_picture)
    yield SystemCommand("Help", "The keys and words of this screen", app.action_help)
    yield SystemCommand("Quit", "Leave; runs that were started go on", lambda: app.call_later(app.action_leave))


def _design(app: Lab, action: str) -> None:
    async def go() -> None:
        await app.action_mode("design")
        await app.screen.run_action(action)

    app.call_later(go)


def _open_run(app: Lab, *, live: bool = False) -> None:
    """Lets the user pick one of the runs on disk, newest first."""
    from app.console.shared.pick import Pick
    from engine.errors import LesionError
    from engine.runs import summaries

    try:
        runs = {run.path.name: run for run in summaries(app.results)}
    except (LesionError, OSError) as error:
        app.report(error)
        return
    if not runs:
        app.say(f"There are no runs in {app.results} yet.")
        return

    def opened(name: str | None) -> None:
        if name is not None:
            app.call_later(app.watch_run if live else app.browse_run, runs[name].path)

    rows = [(name, f"{run.state}, {run.done} of {run.total} trials") for name, run in runs.items()]
    app.push_screen(Pick("Open run", rows), opened)
