"""Text that came from outside (profiles, prompts, models), made safe to draw."""

import unicodedata

_KEPT = "\n\t"


def plain(text: object) -> str:
    """The text without control characters and escape codes; newlines and tabs stay.

    Markup brackets are left as they are: draw the result with `markup=False` or as `rich.text.Text`.
    """
    return "".join(c for c in str(text) if c in _KEPT or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))


def line(text: object) -> str:
    """`plain` on one line: every run of white space becomes one space."""
    return " ".join(plain(text).split())
