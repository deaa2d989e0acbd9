"""The one exception a user is meant to read."""

from collections.abc import Iterable


class LesionError(Exception):
    """A mistake the user can mend: `str(error)` says what is wrong, where, and what would be accepted.

    `field` is the dotted key of the profile at fault ("damage.0.levels") where there is one, for an editor to jump to.
    The command line ends with exit status 2 on it.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


def suggestion(name: str, known: Iterable[str]) -> str:
    """How a message about an unknown name ends: "; did you mean 'mlp_only'? Known: attn_only, mlp_only"."""
    import difflib

    choices = list(known)
    lowered = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(name.lower(), lowered, n=1)
    hint = f"; did you mean '{lowered[close[0]]}'?" if close else "."
    return f"{hint} Known: {', '.join(choices) or 'none'}"
