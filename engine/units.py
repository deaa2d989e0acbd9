"""Bytes in words, for the engine's sentences and the terminal's."""


def size(count: float, *, unit: bool = True) -> str:
    """Bytes in words: `512 B`, `1.5 GB`, `616 MB` (powers of 1000), or the number alone."""
    for name in ("B", "kB", "MB", "GB", "TB"):
        if abs(count) < 999.5 or name == "TB":
            break
        count /= 1000
    digits = 0 if name == "B" or abs(count) >= 99.95 else 1
    return f"{count:,.{digits}f}{f' {name}' if unit else ''}"
