"""Asks the engine what models need, one question at a time, and forgets questions that a newer one has overtaken."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.profile import Profile
    from engine.runs.survey import Survey, SurveyProcess


class Surveyor:
    """One survey process for the console's life, started at the first question, and one thread that waits for its
    answers: they may take long, and what else the console does in threads must not wait for them."""

    def __init__(self) -> None:
        self._process: SurveyProcess | None = None
        self._thread = ThreadPoolExecutor(1, "survey")
        self._closed = False

    async def ask(self, profile: "Profile") -> "Survey":
        """What the models of a profile need; a question that is cancelled before its turn is never asked.

        Raises LesionError when there can be no answer.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, profile)

    def close(self) -> None:
        """Ends the process; a question under way ends with it."""
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._process is not None:
            self._process.close()

    def _ask(self, profile: "Profile") -> "Survey":
        from engine.runs.survey import SurveyProcess

        process = self._process = self._process or SurveyProcess()
        if self._closed:
            process.close()
        return process.ask(profile)
