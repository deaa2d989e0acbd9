"""What a profile says of the measurement lm_eval. Nothing here loads lm-evaluation-harness."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from engine.errors import LesionError, RemoteCodeError, quoted
from engine.measure.lm_eval.task_code import reasons
from engine.profile.demand import Load
from engine.profile.fields import Bool, Int, Text, accept, must_exist, refuse_repeats
from engine.profile.inputs import FolderInput
from engine.profile.measures import MeasureTable

_PACKAGE = "lm-eval"
_FOLDER = FolderInput("one with task files (.yaml) of lm-evaluation-harness")
_REQUEST_TOKENS = 1024
"""Of a request of lm-evaluation-harness, whose tasks are not read here."""


class HarnessMeasure(MeasureTable):
    """Tasks of lm-evaluation-harness."""

    packages = (_PACKAGE,)

    name: Literal["lm_eval"] = "lm_eval"
    tasks: tuple[Text, ...] = Field(min_length=1, description="tasks and groups of tasks, by the harness's names")
    include_path: Annotated[Text, _FOLDER] | None = Field(
        None,
        title="task folder",
        description="a folder with task files (.yaml) of your own; Python code in it needs --trust-remote-code",
    )
    num_fewshot: Int | None = Field(
        None, ge=0, le=1000, title="examples", description="examples before a question; unset: the task's"
    )
    limit: Int | None = Field(None, ge=1, description="how many questions of a task at most; unset: all")
    chat: Bool = Field(False, description="wrap questions in the model's chat template")
    batch_size: Int = Field(16, ge=1, le=4096, description="requests answered together")

    @field_validator("tasks")
    @classmethod
    def _check_tasks(cls, tasks: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if must_exist(info):
            accept(lambda _: _check_installed(), tasks)
        refuse_repeats(tasks, "task")
        return tasks

    @field_validator("include_path")
    @classmethod
    def _check_folder(cls, folder: str | None, info: ValidationInfo) -> str | None:
        if folder is not None and must_exist(info):
            accept(_check_task_files, folder)
        return folder

    @property
    def draws(self) -> bool:
        return self.num_fewshot != 0  # which examples stand before a question

    def content(self, folder: Path) -> dict[str, Any]:
        """See MeasureTable. The version of lm-evaluation-harness counts, too."""
        held = super().content(folder)
        files = {"files": held["include_path"]} if held else {}
        return {"version": _installed_version(), **files}

    def load(self, folder: Path) -> Load:
        """See MeasureTable."""
        return Load(self.rows, _REQUEST_TOKENS, name=self.key)

    def check_code(self) -> None:
        """See MeasureTable."""
        reason = None if self.include_path is None else next(reasons(Path(self.include_path)), None)
        if reason is not None:
            text = f"the task folder {quoted(str(self.include_path))} brings program code of its own ({reason})"
            mend = "which runs only with --trust-remote-code"
            raise RemoteCodeError(f"{text}, {mend}", field="measure.include_path")


def _check_installed() -> None:
    if find_spec("lm_eval") is None:
        text = "the measurement lm_eval needs lm-evaluation-harness, which is not installed here"
        raise LesionError(f"{text}; install it with: pip install '{_PACKAGE}'  (the extra `lesion-lab[tasks]`)")


def _check_task_files(folder: str) -> None:
    if not any(Path(folder).rglob("*.yaml")):
        raise LesionError(f"the folder {quoted(folder)} holds no task file (.yaml) of lm-evaluation-harness")


def _installed_version() -> str | None:
    """None where there is none, for an old run that is only looked at."""
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return None
