"""The texts and prompts that measurements use, bundled or the user's own."""

import re
from pathlib import Path
from typing import Protocol, TypeVar

from engine import catalog, files
from engine.catalog.bundled import Question, parsed_questions, read_bundled, set_questions
from engine.errors import LesionError
from engine.profile.names import AUTO, anchor

Part = TypeVar("Part")

_PETRI_SEED = 0
"""Which of the endless held-out petri documents are measured on."""


class ReadsDocuments(Protocol):
    """A table that reads documents: a TextTable, or the `select` of a damage."""

    @property
    def text(self) -> str: ...
    @property
    def documents(self) -> int | None: ...


class ReadsPrompts(Protocol):
    """A table that reads prompts: a PromptTable."""

    @property
    def prompts(self) -> str | tuple[str, ...]: ...
    @property
    def limit(self) -> int | None: ...


def documents(measure: ReadsDocuments, folder: Path) -> list[str]:
    """The documents a measurement reads; see `documents_of`."""
    return documents_of(measure.text, measure.documents, folder)


def documents_of(text: str, most: int | None, folder: Path) -> list[str]:
    """The documents of a bundled text or of a file: at most so many, never none, none of them empty.

    A relative path starts from `folder`, the folder of the profile's file.
    Raises LesionError where the file cannot be read or holds no text.
    """
    require_settled(text)
    if text == "petri":
        from engine.petri import held_out

        if most is None:
            raise ValueError("petri text is endless: the profile was not settled by load or parse")
        return held_out(_PETRI_SEED, most)
    read = read_bundled(f"{text}.txt") if text in catalog.texts() else read_own(text, folder)
    parts = [part.strip() for part in re.split(r"\n\s*\n", read) if part.strip()]
    return _at_least_one(parts, text)[:most]


def prompts(measure: ReadsPrompts, folder: Path) -> list[str]:
    """The prompts a measurement reads, without their answers; see `questions`."""
    return [question.prompt for question in questions(measure, folder)]


def questions(measure: ReadsPrompts, folder: Path) -> list[Question]:
    """The prompts a measurement reads, at most `measure.limit`, never none, with their answers where they have any.

    In a .jsonl file each line is {"prompt": text, "answer": text or list of texts}, where the answer may be missing; in
    any other file each line that is not empty is a prompt. A relative path starts from `folder`, the folder of the
    profile's file. Raises LesionError where the file cannot be read, a line is none of these, or there is no prompt.
    """
    if isinstance(measure.prompts, tuple):
        return [Question(prompt) for prompt in measure.prompts[: measure.limit]]
    require_settled(measure.prompts)
    sets = catalog.prompt_sets()
    info = sets.get(measure.prompts)
    if info is None:
        asked = parsed_questions(read_own(measure.prompts, folder), measure.prompts)
    else:
        asked = [question for part in info.parts or (info.name,) for question in set_questions(sets[part])]
    return _at_least_one(asked, measure.prompts)[: measure.limit]


def prompt_set_name(measure: ReadsPrompts) -> str:
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


def _at_least_one(parts: list[Part], name: str) -> list[Part]:
    if not parts:
        raise LesionError(f"'{name}' holds no text; a text has documents between blank lines, a prompt file one a line")
    return parts


def require_settled(name: str) -> None:
    """Raises ValueError for "auto", which no measurement can read."""
    if name == AUTO:
        raise ValueError("'auto' is settled by load or parse, and this profile went through neither")
