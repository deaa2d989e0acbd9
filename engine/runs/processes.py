"""How Lesion starts its own modules as processes."""

import os
import sys
from pathlib import Path

import engine


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this installation; -P keeps files of the current folder from shadowing any."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """The environment in which `command` finds this very installation, be it a checkout that is not installed."""
    root = Path(engine.__file__).resolve().parents[1]
    if root.name in ("site-packages", "dist-packages"):
        return dict(os.environ)
    path = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
