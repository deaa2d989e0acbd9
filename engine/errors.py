"""The one exception a user is meant to read, and how its sentences quote what he wrote."""

from collections.abc import Iterable

from engine.harmless import visible

LONGEST_QUOTE = 80
"""Characters of a text that a message quotes."""
_MOST_KNOWN = 30
"""Names that a message lists."""


class LesionError(Exception):
    """A mistake the user can mend: `str(error)` says what is wrong, where, and what would be accepted.

    `field` is the dotted key of the profile at fault ("damage.0.levels") where there is one, for an editor to jump to.
    The command line ends with exit status 2 on it.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class RemoteCodeError(LesionError):
    """Something brings program code of its own, which nobody has allowed to run."""


def shortened(text: str) -> str:
    """`text` on one line of at most 80 characters: of a longer one the beginning and the end; what would act on a
    terminal made visible."""
    half = LONGEST_QUOTE // 2
    short = text if len(text) <= LONGEST_QUOTE else f"{text[:half]}…{text[1 - half :]}"
    return "".join(map(visible, short))


def quoted(text: object) -> str:
    """`text` in quotes, as `shortened`."""
    return f"'{shortened(str(text))}'"


def suggestion(name: str, known: Iterable[str]) -> str:
    """How a message about an unknown name ends: "; did you mean 'mlp_only'? Known: attn_only, mlp_only"."""
    import difflib

    choices = list(known)
    lowered = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(name.lower(), lowered, n=1)
    hint = f"; did you mean '{lowered[close[0]]}'?" if close else "."
    listed = ", ".join(choices[:_MOST_KNOWN]) or "none"
    more = f" and {len(choices) - _MOST_KNOWN:,} more" if len(choices) > _MOST_KNOWN else ""
    return f"{hint} Known: {listed}{more}"
