"""How long computations tell how far they are."""

from collections.abc import Callable, Mapping

Progress = Callable[[int, int], None]
"""Called now and then with (steps done, steps in all)."""


def silent(done: int, total: int) -> None:
    """Tells nobody."""


Note = Callable[[Mapping[str, float]], None]
"""Called on the way with numbers by name, such as the loss of a step."""


def unheard(numbers: Mapping[str, float]) -> None:
    """Tells nobody."""
