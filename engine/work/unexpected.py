"""Failures put into words."""


def sentence(error: BaseException) -> str:
    """An unexpected error as one line: its type and its message."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
