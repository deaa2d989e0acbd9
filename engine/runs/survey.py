"""Asking a process that has torch what a profile's models are like, and whether they fit, before anything runs."""

import json
import subprocess
import threading
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from engine.errors import LesionError
from engine.record.lines import Plain, parse
from engine.runs.devices import choose
from engine.runs.processes import command, environment

if TYPE_CHECKING:
    from engine.profile import Profile


@dataclass(frozen=True)
class SurveyedModel:
    """What is known of one model without running it. All `…_bytes` are bytes of the device's memory.

    `error` says why a model cannot be read; then its numbers are 0.
    """

    name: str
    architecture: str
    parameters: int
    non_embedding: int
    dtype: str
    weights_bytes: int
    snapshot_bytes: int
    """Copies of the weights that the profile damages, to put them back."""
    activation_bytes: int
    kept_bytes: int
    """What measurements keep of the undamaged model, in main memory."""
    need_bytes: int
    free_bytes: int
    total_bytes: int
    reserve_bytes: int
    """Memory that is left free: a model fits where its need and this are not more than what is free."""
    fits: bool
    """In batches as the profile has them, or as `batch` says."""
    batch: dict[str, int]
    """The largest batch size that fits, of every measurement that does not fit as the profile has it."""
    tied: bool
    """The unembedding is the token embedding."""
    layers: int
    groups: dict[str, int]
    """Weights in each parameter group."""
    context: int
    error: str | None
    wants_code: bool
    """Whether `error` is that it brings program code of its own, which was not allowed to run."""
    notes: list[str]
    unreachable: str | None
    """Why the model's own files cannot be had, where the estimate is of its published shape."""
    trial_seconds: float
    """About how long a trial takes, by a short test of this host; see engine.runs.timing for what runs tell."""
    load_seconds: float

    @property
    def verdict(self) -> str:
        """ "fits", "fits with batch 4", "will not fit" or "cannot be used"."""
        if self.error is not None:
            return "cannot be used"
        if not self.fits:
            return "will not fit"
        return f"fits with batch {min(self.batch.values())}" if self.batch else "fits"


@dataclass(frozen=True)
class Survey:
    """A profile's models, in its order."""

    models: tuple[SurveyedModel, ...]


def survey(profile: "Profile", trust_remote_code: bool = False) -> Survey:
    """Survey the models of a profile in a process that lives only for this.

    What is wrong with one model is in its `error`. Raises LesionError when the process itself fails.
    """
    process = SurveyProcess()
    try:
        return process.ask(profile, trust_remote_code)
    finally:
        process.close()


class SurveyProcess:
    """A process `python -m engine.work estimator` kept alive, so that later questions need not wait for torch to
    load."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._one_at_a_time = threading.Lock()
        self._starting = threading.Lock()
        self._closed = False

    def ask(self, profile: "Profile", trust_remote_code: bool = False) -> Survey:
        """Survey the models of a profile; may be called from any thread, and starts the process when there is none.

        Raises LesionError when the process fails; the next question starts another; and as
        `engine.profile.trust.check_code` does.
        """
        from engine.profile import to_toml
        from engine.profile.trust import check_code

        check_code(profile, trust_remote_code)
        model = profile.model.model_copy(update={"device": choose(profile.model.device)})
        profile = profile.model_copy(update={"model": model})
        request = {"profile": to_toml(profile), "folder": str(Path.cwd()), "trust_remote_code": trust_remote_code}
        with self._one_at_a_time:
            answer = self._exchange(request)
        if "models" not in answer:
            raise LesionError(str(answer.get("error") or "the survey of the models gave no answer"))
        return Survey(tuple(_model(facts) for facts in answer["models"]))

    def close(self) -> None:
        """End the process for good, also in the middle of an answer: that question fails, and so do all later ones."""
        with self._starting:
            self._closed = True
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        with self._starting:  # one that `close` did not see yet would be left over
            if self._closed:
                raise LesionError("the survey of the models was ended")
            self._process = self._process or self._start()
            return self._process

    def _exchange(self, request: Plain) -> Plain:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            answer = parse(process.stdout.readline())
        except OSError:
            answer = None
        if answer is None:
            self._end()
            raise LesionError(f"the survey of the models ended early: {self._last_words(process.wait())}")
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        self._errors = TemporaryFile()  # noqa: SIM115 - it stays open as long as the process
        return subprocess.Popen(
            command("engine.work", "estimator"),
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )

    def _last_words(self, status: int) -> str:
        assert self._errors is not None
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip().splitlines()
        return words[-1] if words else f"exit status {status}"


def _model(facts: Plain) -> SurveyedModel:
    return SurveyedModel(**{field.name: facts[field.name] for field in fields(SurveyedModel)})
