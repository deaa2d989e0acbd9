"""How long computations tell how far they are."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called now and then with (steps done, steps in all)."""


def silent(done: int, total: int) -> None:
    """Tells nobody."""
