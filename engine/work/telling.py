"""How far the work on a trial is, told to the runner now and then."""

import time
from collections.abc import Callable, Mapping

from engine.record.messages import Answer, AtWork

Say = Callable[[Answer], None]
"""Tells the runner something."""

_SECONDS = 0.2
"""Between two messages."""


class Telling:
    """Tells of one thing that takes steps: `catalyst 12/100 · loss 3.207, effective rank 41.2`."""

    def __init__(self, say: Say, trial: str, what: str) -> None:
        self._say, self._trial, self._what = say, trial, what
        self._said = time.monotonic()
        self._numbers: dict[str, float] = {}

    def note(self, numbers: Mapping[str, float]) -> None:
        """Numbers of the way, told with the steps from now on."""
        self._numbers |= numbers

    def progress(self, done: int, total: int) -> None:
        """See engine.progress."""
        if time.monotonic() - self._said < _SECONDS:
            return
        self._said = time.monotonic()
        named = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in self._numbers.items())
        text = f"{self._what} {done}/{total}" + (f" · {named}" if named else "")
        self._say(AtWork(trial=self._trial, what=text))
