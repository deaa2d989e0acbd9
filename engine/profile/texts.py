"""The texts and prompts that measurements use, bundled or the user's own."""

import re
from pathlib import Path
from typing import TypeVar

from engine import catalog, files
from engine.catalog.bundled import Question, parsed_questions, read_bundled, set_questions
from engine.errors import LesionError
from engine.profile.measures import PromptTable, TextTable
from engine.profile.names import AUTO, anchor
from engine.profile.selection import Select

Found = TypeVar("Found")

_PETRI_SEED = 0
"""Which of the endless held-out petri documents are measured on."""


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
        found = parsed_questions(read_own(measure.prompts, folder), measure.prompts)
    else:
        sets = catalog.prompt_sets()
        found = [question for part in info.parts or (info.name,) for question in set_questions(sets[part])]
    return _at_least_one(found, measure.prompts)[: measure.limit]


def prompt_set_name(measure: PromptTable) -> str:
    """What records call the prompts: the bundled set's name, the file's name without its ending, or "inline"."""
    return "inline" if isinstance(measure.prompts, tuple) else Path(measure.prompts).stem


def read_own(name: str, folder: Path) -> str:
    """A file of the user's. Raises LesionError where it cannot be read."""
    path = anchor(name, folder)
    try:
        return files.read_named_text(Path(path), "utf-8-sig")
    except UnicodeDecodeError:
        raise LesionError(f"'{path}' is not a text file in UTF-8") from None
    except OSError as error:
        raise LesionError(f"'{path}' cannot be read: {error.strerror}") from None


def _at_least_one(found: list[Found], name: str) -> list[Found]:
    if not found:
        raise LesionError(f"'{name}' holds no text; a text has documents between blank lines, a prompt file one a line")
    return found


def require_settled(name: str) -> None:
    """Raises ValueError for "auto", which no measurement can read."""
    if name == AUTO:
        raise ValueError("'auto' is settled by load or parse, and this profile went through neither")
