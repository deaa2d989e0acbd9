"""Markdown made of text from anywhere: what would act in it, or on a terminal, is shown instead."""

import re
from collections.abc import Iterable, Sequence

from engine.harmless import visible

_ACTS = re.compile(r"([\\`*_\[\]<>|#~])")


def escaped(text: object, *, longest: int = 200) -> str:
    """`text` as it reads, on one line of at most so many characters."""
    whole = str(text)
    short = whole if len(whole) <= longest else f"{whole[: longest - 1]}…"
    return _ACTS.sub(r"\\\1", "".join(map(visible, short)))


def code(text: object, *, longest: int = 200) -> str:
    """`text` as code on one line; a backtick in it becomes an apostrophe."""
    whole = str(text).replace("`", "'").replace("|", "¦")
    return f"`{''.join(map(visible, whole[:longest]))}`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """A table of cells that are Markdown already; the last `numbers` columns are aligned right."""
    words = len(head) - numbers
    marks = ["---"] * words + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *rows))
