"""Cutting documents into the windows a model can read, so that every token is predicted exactly once."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Window:
    """One forward pass over a stretch of a document.

    Attributes:
        tokens: what the model reads; at most `context` ids.
        first: index in `tokens` of the first predicted token, >= 1; those before it are left context only.
    """

    tokens: tuple[int, ...]
    first: int

    @property
    def predicted(self) -> int:
        """How many tokens this window predicts."""
        return len(self.tokens) - self.first


def slide(tokens: Sequence[int], context: int, stride: int) -> list[Window]:
    """Windows over one document of at least two tokens, with 1 <= stride < context.

    Window k starts at token k * stride. The first predicts every token but its own first; each later one predicts what
    lies past the end of the one before, so a predicted token has at least `context - stride` tokens to its left.
    """
    windows = [Window(tuple(tokens[:context]), 1)]
    start, reached = 0, min(context, len(tokens))
    while reached < len(tokens):
        start += stride
        end = min(start + context, len(tokens))
        windows.append(Window(tuple(tokens[start:end]), reached - start))
        reached = end
    return windows


def batches(windows: Sequence[Window], size: int) -> list[list[Window]]:
    """Batches of at most `size` windows of like length, the longest first so that too large a batch fails at once.

    The order depends on what the windows hold, not on the order they came in.
    """
    ordered = sorted(windows, key=lambda window: (-len(window.tokens), window))
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]
