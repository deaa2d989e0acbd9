"""The last line of every screen: the keys that work where the focus is. (Textual's footer makes a widget a key, anew at
every step from field to field; one line of text is made in a moment.)"""

from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static

_BETWEEN = "  "
_ALWAYS = "help"
"""The action whose key is shown whatever the room, as it tells of all the others."""


class KeyBar(Static):
    """Keys and what they do, as far as there is room; a click on what it does presses it."""

    def __init__(self) -> None:
        super().__init__()
        self._hints: dict[str, Content] = {}

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._renew)

    def on_resize(self) -> None:
        self._fit()

    def _renew(self, screen: Screen[object]) -> None:
        self._hints = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.action not in self._hints:
                press = Style.from_meta({"@click": f"app.simulate_key('{binding.key}')"})
                key = (self.app.get_key_display(binding), "bold $footer-key-foreground")
                what = Content(f" {binding.description}").stylize(press)
                self._hints[binding.action] = Content.assemble(key, what)
        self._fit()

    def _fit(self) -> None:
        """Leaves out the last keys where there is no room for all, with a sign, but never the one for help."""
        shown = list(self._hints.values())
        help_at = list(self._hints).index(_ALWAYS) if _ALWAYS in self._hints else None
        last = [] if help_at is None else [shown.pop(help_at)]
        room = self.content_size.width
        if _width([*shown, *last]) > room:
            while shown and _width([*shown, Content("…"), *last]) > room:
                shown.pop()
            shown.append(Content("…"))
        self.update(Content(_BETWEEN).join([*shown, *last]), layout=False)


def _width(hints: list[Content]) -> int:
    return sum(hint.cell_length for hint in hints) + len(_BETWEEN) * (len(hints) - 1)
