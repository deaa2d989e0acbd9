"""The files of prompts and texts that come with Lesion and with packages, and what a line of prompts says."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

from engine.catalog.infos import PromptSetInfo
from engine.errors import LesionError


@dataclass(frozen=True)
class Question:
    """A prompt, and the answers that count as right; none where nothing is right or wrong."""

    prompt: str
    answers: tuple[str, ...] = ()


def read_bundled(name: str) -> str:
    """A file of engine/data."""
    return resources.files("engine.data").joinpath(name).read_text(encoding="utf-8")


def set_questions(info: PromptSetInfo) -> list[Question]:
    """The prompts of a set of the catalog that is not made of others. Raises LesionError where its file has none."""
    if info.prompts:
        return [Question(prompt) for prompt in info.prompts]
    if not info.file:
        return _bundled_questions(info.name)
    package, _, path = info.file.partition(":")
    try:
        text = resources.files(package).joinpath(path).read_text(encoding="utf-8")
    except (OSError, ImportError, ValueError) as error:
        raise LesionError(f"the prompts in '{info.file}' cannot be read: {error}") from None
    return parsed_questions(text, path)


def _bundled_questions(name: str) -> list[Question]:
    files = {path.name for path in resources.files("engine.data").joinpath("prompts").iterdir()}
    file = next(name + ending for ending in (".jsonl", ".txt") if name + ending in files)
    return parsed_questions(read_bundled(f"prompts/{file}"), file)


def parsed_questions(text: str, name: str) -> list[Question]:
    """The prompts of a file of this name and content. Raises LesionError for a .jsonl line that is no prompt."""
    if not name.endswith(".jsonl"):
        return [Question(line.strip()) for line in text.splitlines() if line.strip()]
    return [_question(entry, where) for where, entry in json_lines(text, name)]


def _question(entry: dict[str, Any], where: str) -> Question:
    prompt, expected = entry.get("prompt"), entry.get("answer", [])
    answers = expected if isinstance(expected, list) else [expected]
    if not isinstance(prompt, str) or not prompt.strip() or not all(isinstance(answer, str) for answer in answers):
        raise LesionError(f'{where} needs "prompt", a text, and may have "answer", a text or a list of texts')
    return Question(prompt, tuple(answers))


def json_lines(text: str, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each JSON object of a .jsonl file with its place ("file, line 3"). Raises LesionError where a line is none."""
    for number, line in enumerate(text.split("\n"), start=1):  # not splitlines: JSON may hold its other line ends
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict):
            raise LesionError(f"'{where}', line {number}, is not a JSON object in braces")
        if not _is_unicode(line, entry):
            raise LesionError(
                f"'{where}', line {number}, holds half a character (\\ud800 to \\udfff without the other)"
            )
        yield f"'{where}', line {number},", entry


def _is_unicode(line: str, entry: dict[str, Any]) -> bool:
    """Whether all texts of a line can be written as UTF-8, so that a tokenizer takes them."""
    if "\\ud" not in line.lower():
        return True
    try:
        json.dumps(entry, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
