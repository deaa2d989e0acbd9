"""The last line of every screen: the keys that work where the focus is. (Textual's footer makes a widget a key, anew at
every step from field to field; one line of text is made in a moment.)"""

from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static


class KeyBar(Static):
    """Keys and what they do, as far as there is room; a click on what it does presses it."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._renew)

    def _renew(self, screen: Screen[object]) -> None:
        hints: dict[str, Content] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.action not in hints:
                press = Style.from_meta({"@click": f"app.simulate_key('{binding.key}')"})
                key = (self.app.get_key_display(binding), "bold $footer-key-foreground")
                what = Content(f" {binding.description}").stylize(press)
                hints[binding.action] = Content.assemble(key, what)
        self.update(Content("  ").join(hints.values()), layout=False)
