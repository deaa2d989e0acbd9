"""The texts and prompts that measurements use, bundled or the user's own."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from engine import catalog, files
from engine.errors import LesionError
from engine.profile.measures import PromptTable, TextTable
from engine.profile.names import AUTO, anchor
from engine.profile.selection import Select

Found = TypeVar("Found")

_PETRI_SEED = 0
"""Which of the endless held-out petri documents are measured on."""


@dataclass(frozen=True)
class Question:
    """A prompt, and the answers that count as right; none where nothing is right or wrong."""

    prompt: str
    answers: tuple[str, ...] = ()


def documents(measure: TextTable | Select, folder: Path) -> list[str]:
    """The documents a measurement reads: at most `measure.documents`, never none, none of them empty.

    A relative path starts from `folder`, the folder of the profile's file.
    Raises LesionError where the file cannot be read or holds no text.
    """
    require_settled(measure.text)
    if measure.text == "petri":
        from engine.petri import held_out

        if measure.documents is None:
            raise ValueError("petri text is endless: the profile was not settled by load or parse")
        return held_out(_PETRI_SEED, measure.documents)
    bundled = measure.text in catalog.texts()
    text = read_bundled(f"{measure.text}.txt") if bundled else read_own(measure.text, folder)
    found = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    return _at_least_one(found, measure.text)[: measure.documents]


def prompts(measure: PromptTable, folder: Path) -> list[str]:
    """The prompts a measurement reads, without their answers; see `questions`."""
    return [question.prompt for question in questions(measure, folder)]


def questions(measure: PromptTable, folder: Path) -> list[Question]:
    """The prompts a measurement reads, at most `measure.limit`, never none, with their answers where they have any.

    In a .jsonl file each line is {"prompt": text, "answer": text or list of texts}, where the answer may be missing; in
    any other file each line that is not empty is a prompt. A relative path starts from `folder`, the folder of the
    profile's file. Raises LesionError where the file cannot be read, a line is none of these, or there is no prompt.
    """
    if isinstance(measure.prompts, tuple):
        return [Question(prompt) for prompt in measure.prompts[: measure.limit]]
    require_settled(measure.prompts)
    info = catalog.prompt_sets().get(measure.prompts)
    if info is None:
        found = _questions(read_own(measure.prompts, folder), measure.prompts)
    else:
        sets = catalog.prompt_sets()
        found = [question for part in info.parts or (info.name,) for question in set_questions(sets[part])]
    return _at_least_one(found, measure.prompts)[: measure.limit]


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


def prompt_set_name(measure: PromptTable) -> str:
    """What records call the prompts: the bundled set's name, the file's name without its ending, or "inline"."""
    return "inline" if isinstance(measure.prompts, tuple) else Path(measure.prompts).stem


def read_bundled(name: str) -> str:
    """A file of engine/data."""
    return resources.files("engine.data").joinpath(name).read_text(encoding="utf-8")


def read_own(name: str, folder: Path) -> str:
    """A file of the user's. Raises LesionError where it cannot be read."""
    path = anchor(name, folder)
    try:
        return files.read_named_text(Path(path), "utf-8-sig")
    except UnicodeDecodeError:
        raise LesionError(f"'{path}' is not a text file in UTF-8") from None
    except OSError as error:
        raise LesionError(f"'{path}' cannot be read: {error.strerror}") from None


def set_questions(info: catalog.PromptSetInfo) -> list[Question]:
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
    return _questions(text, path)


def _bundled_questions(name: str) -> list[Question]:
    files = {path.name for path in resources.files("engine.data").joinpath("prompts").iterdir()}
    file = next(name + ending for ending in (".jsonl", ".txt") if name + ending in files)
    return _questions(read_bundled(f"prompts/{file}"), file)


def _questions(text: str, name: str) -> list[Question]:
    if not name.endswith(".jsonl"):
        return [Question(line.strip()) for line in text.splitlines() if line.strip()]
    return [_question(entry, where) for where, entry in json_lines(text, name)]


def _question(entry: dict[str, Any], where: str) -> Question:
    prompt, given = entry.get("prompt"), entry.get("answer", [])
    answers = given if isinstance(given, list) else [given]
    if not isinstance(prompt, str) or not prompt.strip() or not all(isinstance(answer, str) for answer in answers):
        raise LesionError(f'{where} needs "prompt", a text, and may have "answer", a text or a list of texts')
    return Question(prompt, tuple(answers))


def _at_least_one(found: list[Found], name: str) -> list[Found]:
    if not found:
        raise LesionError(f"'{name}' holds no text; a text has documents between blank lines, a prompt file one a line")
    return found


def require_settled(name: str) -> None:
    """Raises ValueError for "auto", which no measurement can read."""
    if name == AUTO:
        raise ValueError("'auto' is settled by load or parse, and this profile went through neither")
