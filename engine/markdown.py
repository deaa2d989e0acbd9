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


def aligned(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, keys: int, numbers: int = 0, width: int = 80
) -> list[str]:
    """The same with cells as wide as their column, so that it reads well as it is. Where it is wider than `width`, it
    becomes several tables that share the first `keys` columns, with about as many others each."""
    every = [head, *rows]
    wide = [max(3, *(len(row[at]) for row in every)) for at in range(len(head))]
    room = width + 3 - sum(wide[at] + 3 for at in range(keys))
    tables = []
    for others in _split([wide[at] + 3 for at in range(keys, len(head))], room):
        taken = [*range(keys), *(keys + at for at in others)]
        right = [at >= len(head) - numbers for at in taken]
        marks = ["-" * (wide[at] - 1) + ":" if r else "-" * wide[at] for at, r in zip(taken, right, strict=True)]
        lines = [[_padded(row[at], wide[at], r) for at, r in zip(taken, right, strict=True)] for row in every]
        tables.append("\n".join(" | ".join(line).rstrip() for line in (lines[0], marks, *lines[1:])))
    return tables


def _split(wide: Sequence[int], room: int) -> list[range]:
    """Places of columns so wide, in as few stretches as have room, and in even ones where these have it, too."""
    stretches: list[range] = []
    for at in range(len(wide)):
        last = stretches[-1] if stretches else range(0)
        if last and sum(wide[last.start : at + 1]) <= room:
            stretches[-1] = range(last.start, at + 1)
        else:
            stretches.append(range(at, at + 1))
    most = -(-len(wide) // len(stretches))
    even = [range(start, min(start + most, len(wide))) for start in range(0, len(wide), most)]
    fits = all(sum(wide[stretch.start : stretch.stop]) <= room for stretch in even)
    return even if fits else stretches


def _padded(cell: str, width: int, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """A table of cells that are Markdown already; the last `numbers` columns are aligned right."""
    words = len(head) - numbers
    marks = ["---"] * words + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *rows))
