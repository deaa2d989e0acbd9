"""The console's application: three modes, the themes, and what any screen may ask of it."""

import os
from collections.abc import Callable, Coroutine, Iterable
from importlib import import_module
from pathlib import Path, PurePath
from typing import Any, ClassVar, cast

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.events import Event, Key, Paste
from textual.filter import Monochrome
from textual.message_pump import MessagePump
from textual.screen import Screen

from app import own_faults
from app.console import settings
from app.console.commands import commands
from app.console.shared.filters import Ascii, Colourless
from app.console.shared.keyboard import Keyboard
from app.console.shared.screen import LabScreen
from app.console.theme import CONTRAST, DARK, THEMES, style_names
from app.safe import line, plain
from engine.errors import LesionError

_WIDTHS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]
_HEIGHTS = [(0, "-short"), (32, "-tall")]
"""Classes that screens carry from so many columns or rows on; styles answer to them."""


def _opener(path: str) -> Callable[[], Screen[Any]]:
    """A screen class by import path, loaded when its mode is first shown: the first paint waits for one screen only."""
    module, name = path.split(":")
    return lambda: cast("Screen[Any]", getattr(import_module(module), name)())


class LesionApp(App[None]):
    """The console over a folder of results, a folder of profiles, and the profiles that come with Lesion."""

    TITLE = "Lesion"
    _named = False
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        "lesion.tcss",
        "styles/design.tcss",
        "styles/live.tcss",
        "styles/browse.tcss",
    ]
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "design": _opener("app.console.design.screen:DesignScreen"),
        "live": _opener("app.console.live.screen:LiveScreen"),
        "browse": _opener("app.console.browse.screen:BrowseScreen"),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1,f2", "mode('design')", "Design", show=False),
        Binding("2,f3", "mode('live')", "Live", show=False),
        Binding("3,f4", "mode('browse')", "Browse", show=False),
        Binding("ctrl+p", "command_palette", "Commands", key_display="^p"),
        Binding("question_mark,f1", "help", "Help", key_display="?"),
        Binding("ctrl+q", "leave", "Quit", show=False, priority=True),
    ]

    def __init__(
        self,
        results: Path,
        profiles: Path,
        open_run: Path | None = None,
        shipped: Path | None = None,
        *,
        ascii_only: bool = False,
    ) -> None:
        super().__init__()
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme, self._advice = self._chosen_theme()
        if self.no_color:
            self._filters[:] = [each for each in self._filters if not isinstance(each, Monochrome)] + [Colourless()]
        if ascii_only:
            self._filters.append(Ascii())
        self._ascii = ascii_only
        self.results = results
        self.profiles = profiles
        self.shipped = shipped
        """Profiles to be listed below those in `profiles`, never to be written to; None where there are none."""
        self.open_run = open_run
        """The run that Live and Browse show: set by `watch_run` and `browse_run`; None while none was chosen."""
        self.keyboard = Keyboard(self._hand_out, self._pumps, self._go_on)
        """Hands out keys one after another."""
        self._key: Event | None = None

    async def on_mount(self) -> None:
        if self._advice:
            self.report(self._advice)
        if self.open_run is None:
            await self.switch_mode("design")
        else:
            await self.watch_run(self.open_run)

    async def on_event(self, event: Event) -> None:
        """Keys wait for their turn."""
        if isinstance(event, Key | Paste) and not event.is_forwarded and event is not self._key:
            self.keyboard.take(event)
        else:
            await super().on_event(event)

    def _hand_out(self, event: Key | Paste) -> None:
        self._key = event
        self.post_message(event)

    def _go_on(self, work: Coroutine[Any, Any, None]) -> None:
        self.run_worker(work, group="keyboard")

    def _pumps(self) -> Iterable[MessagePump]:
        """All that takes messages: the app, and on the screens of the mode shown every widget."""
        yield self
        for screen in self._screen_stacks.get(self._current_mode, ()):
            yield from screen.walk_children(with_self=True)

    async def action_mode(self, mode: str) -> None:
        """Shows one of design, live and browse."""
        await self.switch_mode(mode)

    async def watch_run(self, run: Path) -> None:
        """Shows a run on the Live screen, running or finished."""
        self.open_run = run
        await self.switch_mode("live")
        await cast("Any", self.screen).watch_run(run)

    async def browse_run(self, run: Path) -> None:
        """Shows a run on the Browse screen."""
        self.open_run = run
        await self.switch_mode("browse")
        await cast("Any", self.screen).browse_run(run)

    def _handle_exception(self, error: Exception) -> None:
        """A fault of ours ends the console with a sentence about it. While it is ending anyway, widgets that are gone
        are asked for things: that is no fault."""
        if not self._exit:
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Says which fault it was and where its report lies, in place of a traceback over the whole terminal."""
        error = self._exception or RuntimeError("unknown")
        self._exit_renderables[:] = [Text(f"lesion: {own_faults.report(error)}", overflow="fold")]
        self._close_messages_no_wait()

    def report(self, error: Exception | str) -> None:
        """Tells the user what went wrong, in the sentence the engine gave for it."""
        self.notify(plain(str(error)), title="That did not work", severity="error", timeout=12, markup=False)

    def say(self, text: str) -> None:
        """Tells the user what happened."""
        self.notify(plain(text), timeout=5, markup=False)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        yield from commands(self)
        if isinstance(screen, LabScreen):
            yield from screen.commands()

    def action_help(self) -> None:
        """Opens the help of the screen shown."""
        from app.console.help import Help

        if isinstance(self.screen, LabScreen):
            self.push_screen(Help.of(self.screen))

    def action_switch_theme(self) -> None:
        """Dark, light, high contrast, and dark again; the choice is kept for the next time."""
        names = list(THEMES)
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        try:
            settings.keep("theme", self.theme)
        except LesionError as error:
            self.report(error)

    def watch_theme(self, theme: str) -> None:
        """What drawn text names its styles by has the colours of the new theme from here on."""
        names = style_names(THEMES[theme])
        if self._named:
            self.console.pop_theme()
        self.console.push_theme(names)
        self._named = True

    def _chosen_theme(self) -> tuple[str, str]:
        """The name of the theme to begin with, and what is wrong with the settings, if anything is."""
        first = CONTRAST.name if self.no_color else DARK.name
        try:
            name = settings.read().get("theme", first)
        except LesionError as error:
            return first, str(error)
        if str(name) not in THEMES:
            return first, f"There is no theme {line(name)} in {settings.place()}: it may be {', '.join(THEMES)}."
        return name, ""

    def get_key_display(self, binding: Binding) -> str:
        """As Textual has it, but for the sign of Enter where there is only ASCII."""
        return "enter" if self._ascii and binding.key == "enter" else super().get_key_display(binding)

    def action_picture(self) -> None:
        """Saves the screen as an SVG file in the results folder."""
        try:
            self.results.mkdir(parents=True, exist_ok=True)
            self.say(f"Saved {self.save_screenshot(path=str(self.results))}")
        except OSError as error:
            self.report(f"The picture cannot be written to {self.results}: {error.strerror}.")

    async def action_leave(self) -> None:
        """Leaves; asks first when profiles were edited and not saved."""
        from app.console.shared.ask import Ask

        unsaved = [name for stack in self._screen_stacks.values() for s in stack[:1] for name in _unsaved(s)]
        if not unsaved or isinstance(self.screen, Ask):
            self.exit()
            return
        question = f"{', '.join(unsaved)}: edited and not saved. Leave and lose the edits?"
        self.push_screen(Ask("Leave", question, "Leave", "Stay"), lambda yes: self.exit() if yes else None)


def _unsaved(screen: Screen[Any]) -> list[str]:
    return screen.unsaved() if isinstance(screen, LabScreen) else []


def run(
    results: Path,
    profiles: Path,
    open_run: Path | None = None,
    shipped: Path | None = None,
    *,
    ascii_only: bool = False,
) -> bool:
    """Opens the console; returns when the user quits, or a fault of ours ended it, whether all went well.

    The Linux console has no more than ASCII that can be relied on, whatever `ascii_only` says.
    """
    ascii_only = ascii_only or os.environ.get("TERM") == "linux"
    app = LesionApp(results, profiles, open_run, shipped, ascii_only=ascii_only)
    app.run()
    return not app.return_code
