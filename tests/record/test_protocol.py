"""docs/PROTOCOL.md and the types say the same: a field added here and missing there fails, and the other way round."""

import json
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import is_typeddict

import pytest

from engine.profile import Trial
from engine.record import directory, events, manifest, messages, owner, texts, trials
from engine.record.fields import Fields, Spec, specs
from engine.wording import grade
from tests.record.test_records import RUNS

PAGE = (Path(__file__).parents[2] / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
SECTIONS = {name: text for name, text in re.findall(r"^##+ [^\n]*`(\w+)`\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S)}
"""By the type that the heading names, what stands below it."""
COMMON = {events.Event: "event", messages.Request: "do", messages.Answer: "say"}
"""What every one of a family has, documented once, up to the field that tells them apart."""


def typed(module: ModuleType) -> list[type]:
    """The types of a file of the room."""
    own = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
    return [one for one in own if issubclass(one, Fields) or is_typeddict(one)]


TYPES = [cls for module in (trials, texts, events, manifest, owner, messages) for cls in typed(module)]
TYPES.remove(manifest.Surroundings)  # it stands with the rest of the manifest


def rows(text: str) -> list[list[str]]:
    """The cells of the first table, without its head."""
    table = re.search(r"^\| [^\n]*\n\| ---[^\n]*\n((?:\|[^\n]*\n)*)", text, re.M)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()] if table else []


def said(cls: type, spec: Spec) -> str:
    """A field's type as the page has it."""
    words = spec.kind.words
    return words.removesuffix(" or null") + "?" if spec.sparse and not is_typeddict(cls) else words


def own_fields(cls: type) -> list[Spec]:
    """The fields that are documented with a type: not those that all of its family have."""
    common = {spec.name for base in COMMON if issubclass(cls, base) and cls is not base for spec in specs(base)}
    return [spec for spec in specs(cls) if spec.name not in common]


@pytest.mark.parametrize("cls", TYPES, ids=lambda cls: cls.__name__)
def test_every_field_is_documented_with_its_type(cls: type) -> None:
    documented = [(name, kind) for name, kind, *_ in rows(SECTIONS[cls.__name__])]
    assert documented == [(spec.name, said(cls, spec)) for spec in own_fields(cls)]


@pytest.mark.parametrize("name", SECTIONS)
def test_every_field_has_a_meaning(name: str) -> None:
    assert all(row[-1] for row in rows(SECTIONS[name]))


def test_what_is_documented_is_there() -> None:
    assert SECTIONS.keys() == {cls.__name__ for cls in TYPES} | {"Trial"}
    assert [name for name, _ in rows(SECTIONS["Trial"])] == [field.name for field in fields(Trial)]


def test_the_words_that_tell_kinds_apart_stand_in_the_headings() -> None:
    for word, cls in [*events.EVENTS.items(), *messages.REQUESTS.items(), *messages.ANSWERS.items()]:
        assert re.search(rf"^### [^\n]*\b{word}\b[^\n]*`{cls.__name__}`$", PAGE, re.M), word


def test_every_file_of_a_run_is_documented() -> None:
    constants = {name: value for name, value in vars(directory).items() if name.isupper() and isinstance(value, str)}
    files = {value for name, value in constants.items() if name != "SAMPLES"}
    [section] = re.findall(r"^## The run directory\n(.*?)^## ", PAGE, re.M | re.S)
    assert {name for name, *_ in rows(section)} == files


def test_what_a_generated_text_tells_is_documented() -> None:
    [table] = re.findall(r"^\| in found \|.*", SECTIONS["TextRecord"], re.M | re.S)
    documented = [name for name, *_ in rows(table)]
    own = {spec.name for spec in specs(texts.TextRecord)}
    lines = [json.loads(line) for run in RUNS for line in (run / "generations.jsonl").read_text().splitlines()]
    written = {name for line in lines for name in line} - own
    assert written | texts.FOUND.keys() <= set(documented)
    assert set(documented) <= written | {"image", "image_tokens", "answers", *grade("a", ["a"])}
