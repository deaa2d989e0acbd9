"""Faults of Lesion itself: said in one sentence, with the traceback in a file for whoever mends it."""

import sys
import tempfile
import traceback

from app import safe
from engine.version import version


def report(error: BaseException) -> str:
    """Keep the traceback in a file; returns the sentence that says what broke and where the file is."""
    what = safe.line(f"{type(error).__name__}: {error}", longest=200)
    story = "".join(traceback.format_exception(error))
    told = safe.plain(f"lesion {version()} {' '.join(sys.argv[1:])}\n\n{story}", longest=1 << 20)
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="lesion-fault-", suffix=".txt", encoding="utf-8", delete=False
        ) as file:
            file.write(told)
    except OSError as full:
        return f"a fault in Lesion itself ({what}); its traceback could not be kept: {full.strerror}"
    return f"a fault in Lesion itself ({what}); the traceback is in {file.name}"
