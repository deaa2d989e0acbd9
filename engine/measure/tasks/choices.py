"""Multiple-choice questions, bundled or the user's own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engine import catalog
from engine.catalog.bundled import json_lines, read_bundled
from engine.errors import LesionError
from engine.profile.texts import read_own, require_settled


@dataclass(frozen=True)
class Choice:
    """A question, what may be answered, and the index of what is right."""

    question: str
    choices: tuple[str, ...]
    answer: int


class AsksTask(Protocol):
    """A table that asks the questions of a task: a TasksMeasure."""

    @property
    def task(self) -> str: ...
    @property
    def limit(self) -> int | None: ...


def choices(measure: AsksTask, folder: Path) -> list[Choice]:
    """The questions of a task, at most `measure.limit`, never none.

    A file has one a line: {"question": text, "choices": [text, text, …], "answer": index of the right one, from 0}. A
    relative path starts from `folder`, the folder of the profile's file.
    Raises LesionError where the file cannot be read, a line is no such question, or there is none.
    """
    require_settled(measure.task)
    bundled = measure.task in catalog.tasks()
    text = read_bundled(f"tasks/{measure.task}.jsonl") if bundled else read_own(measure.task, folder)
    questions = [_choice(entry, where) for where, entry in json_lines(text, measure.task)]
    if not questions:
        raise LesionError(f"'{measure.task}' holds no question; a task has one a line, as a JSON object")
    return questions[: measure.limit]


def _choice(entry: dict[str, Any], where: str) -> Choice:
    question, listed, answer = (entry.get(key) for key in ("question", "choices", "answer"))
    if not _is_text(question):
        raise LesionError(f'{where} needs "question", a text that is not empty')
    if not isinstance(listed, list) or len(listed) < 2 or not all(_is_text(choice) for choice in listed):
        raise LesionError(f'{where} needs "choices", a list of two or more texts that are not empty')
    if not isinstance(answer, int) or isinstance(answer, bool) or not 0 <= answer < len(listed):
        raise LesionError(f'{where} needs "answer", the number of the right choice: 0 to {len(listed) - 1}')
    return Choice(str(question), tuple(listed), answer)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
