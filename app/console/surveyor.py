"""Asks the engine what models need, one question at a time, and forgets questions that a newer one has overtaken."""

import threading
from typing import TYPE_CHECKING

from engine.errors import LesionError

if TYPE_CHECKING:
    from engine.profile import Profile
    from engine.runs.survey import Survey, SurveyProcess


class Surveyor:
    """One survey process for the console's life, started at the first question. Called from threads."""

    def __init__(self) -> None:
        self._process: SurveyProcess | None = None
        self._turn = threading.Lock()
        self._newest: Profile | None = None
        self._closed = False

    def ask(self, profile: "Profile") -> "Survey | None":
        """What the models of a profile need; None when a newer question came up before this one's turn.

        Blocks until there is an answer. Raises LesionError when there can be none.
        """
        from engine.runs.survey import SurveyProcess

        self._newest = profile
        with self._turn:
            if self._closed or self._newest is not profile:
                return None
            if self._process is None:
                self._process = SurveyProcess()
            try:
                return self._process.ask(profile)
            except (LesionError, OSError, ValueError):
                if self._closed:  # under the question's feet: nobody waits for the answer
                    return None
                raise

    def close(self) -> None:
        """Ends the process; a question under way ends with it."""
        self._closed = True
        if self._process is not None:
            self._process.close()
