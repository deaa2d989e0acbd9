"""The engine: profiles, trials, runs and what a worker does to a model.

From Python: `run = engine.run("profile.toml")`, then `run.table()`; `engine.open_run("last")` for a run that is there
already. See `engine.api`. Importing the engine loads next to nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.api import Run, open_run, run
    from engine.errors import LesionError

__all__ = ["LesionError", "Run", "open_run", "run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'engine' has no attribute '{name}'")
    from engine import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
