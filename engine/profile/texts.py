"""The texts and prompts that measurements use, bundled or the user's own."""

import re
from importlib import resources
from pathlib import Path

from engine import catalog
from engine.errors import LesionError
from engine.profile.measures import GenerationMeasure, PerplexityMeasure
from engine.profile.names import AUTO, anchor

_PETRI_SEED = 0
"""Which of the endless held-out petri documents are measured on."""


def documents(measure: PerplexityMeasure, folder: Path) -> list[str]:
    """The documents perplexity is measured on: at most `measure.documents`, never none, none of them empty.

    A relative path starts from `folder`, the folder of the profile's file.
    Raises LesionError where the file cannot be read or holds no text.
    """
    _require_settled(measure.text)
    if measure.text == "petri":
        from engine.petri import held_out

        if measure.documents is None:
            raise ValueError("petri text is endless: the profile was not settled by load or parse")
        return held_out(_PETRI_SEED, measure.documents)
    bundled = measure.text in catalog.texts()
    text = _bundled(f"{measure.text}.txt") if bundled else _read(measure.text, folder)
    found = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    return _at_least_one(found, measure.text)[: measure.documents]


def prompts(measure: GenerationMeasure, folder: Path) -> list[str]:
    """The prompts to continue, at most `measure.limit`, never none. In a file each line that is not empty is one.

    A relative path starts from `folder`, the folder of the profile's file.
    Raises LesionError where the file cannot be read or holds no prompt.
    """
    if isinstance(measure.prompts, tuple):
        return list(measure.prompts[: measure.limit])
    _require_settled(measure.prompts)
    bundled = measure.prompts in catalog.prompt_sets()
    text = _bundled(f"prompts/{measure.prompts}.txt") if bundled else _read(measure.prompts, folder)
    found = [line.strip() for line in text.splitlines() if line.strip()]
    return _at_least_one(found, measure.prompts)[: measure.limit]


def prompt_set_name(measure: GenerationMeasure) -> str:
    """What records call the prompts: the bundled set's name, the file's name without its ending, or "inline"."""
    return "inline" if isinstance(measure.prompts, tuple) else Path(measure.prompts).stem


def _bundled(name: str) -> str:
    return resources.files("engine.data").joinpath(name).read_text(encoding="utf-8")


def _read(name: str, folder: Path) -> str:
    path = anchor(name, folder)
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise LesionError(f"'{path}' is not a text file in UTF-8") from None
    except OSError as error:
        raise LesionError(f"'{path}' cannot be read: {error.strerror}") from None


def _at_least_one(found: list[str], name: str) -> list[str]:
    if not found:
        raise LesionError(f"'{name}' holds no text; a text has documents between blank lines, a prompt file one a line")
    return found


def _require_settled(name: str) -> None:
    if name == AUTO:
        raise ValueError("'auto' is settled by load or parse, and this profile went through neither")
