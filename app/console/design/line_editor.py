"""One line of text with a caret: what each edit key does to it, in the order in which the keys came."""

import re
from collections.abc import Callable
from dataclasses import dataclass

_WORDS = re.compile(r"(?<!\w)(?=\w)")
"""Where words begin."""


@dataclass
class LineEditor:
    """The text being typed. Places count characters from 0; `anchor` is where a selection began, None without one."""

    text: str = ""
    caret: int = 0
    anchor: int | None = None

    @classmethod
    def at_end(cls, text: str) -> "LineEditor":
        """A text with the caret after its last character."""
        return cls(text, len(text))

    @property
    def selection(self) -> tuple[int, int]:
        """(start, end) of what is selected; equal where nothing is."""
        other = self.caret if self.anchor is None else self.anchor
        return min(self.caret, other), max(self.caret, other)

    @property
    def selected(self) -> str:
        """The text that is selected."""
        start, end = self.selection
        return self.text[start:end]

    def insert(self, text: str) -> None:
        """Puts text in the place of what is selected."""
        start, end = self.selection
        self.text = self.text[:start] + text + self.text[end:]
        self.caret, self.anchor = start + len(text), None

    def press(self, key: str, character: str | None) -> bool:
        """What a key does, by its name and the character that it prints; False where it is no edit key."""
        if key in _MOVES:
            self._go(_MOVES[key](self), select=False)
        elif key.startswith("shift+") and key[6:] in _MOVES:
            self._go(_MOVES[key[6:]](self), select=True)
        elif key.startswith("ctrl+shift+") and f"ctrl+{key[11:]}" in _MOVES:
            self._go(_MOVES[f"ctrl+{key[11:]}"](self), select=True)
        elif key in _ERASERS:
            if not self.selected:
                self.anchor = _ERASERS[key](self)
            self.insert("")
        elif key == "ctrl+shift+a":
            self.anchor, self.caret = 0, len(self.text)
        elif character is not None and character.isprintable():
            self.insert(character)
        else:
            return False
        return True

    def _go(self, place: int, *, select: bool) -> None:
        if not select:
            self.anchor = None
        elif self.anchor is None:
            self.anchor = self.caret
        self.caret = place


def _word_before(editor: LineEditor) -> int:
    return max((match.start() for match in _WORDS.finditer(editor.text) if match.start() < editor.caret), default=0)


def _word_after(editor: LineEditor) -> int:
    starts = (match.start() for match in _WORDS.finditer(editor.text) if match.start() > editor.caret)
    return min(starts, default=len(editor.text))


def _before(editor: LineEditor) -> int:
    return max(editor.caret - 1, 0)


def _after(editor: LineEditor) -> int:
    return min(editor.caret + 1, len(editor.text))


def _start(_: LineEditor) -> int:
    return 0


def _end(editor: LineEditor) -> int:
    return len(editor.text)


_MOVES: dict[str, Callable[[LineEditor], int]] = {
    "left": _before,
    "right": _after,
    "ctrl+left": _word_before,
    "ctrl+right": _word_after,
    "home": _start,
    "ctrl+a": _start,
    "end": _end,
    "ctrl+e": _end,
}
"""Keys that move the caret, and where to; with shift they select up to there."""

_ERASERS: dict[str, Callable[[LineEditor], int]] = {
    "backspace": _before,
    "ctrl+h": _before,
    "delete": _after,
    "ctrl+d": _after,
    "ctrl+w": _word_before,
    "alt+backspace": _word_before,
    "ctrl+backspace": _word_before,
    "ctrl+u": _start,
    "super+backspace": _start,
    "ctrl+k": _end,
}
"""Keys that take away what is selected, else what lies between the caret and another place."""
