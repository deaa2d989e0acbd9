"""Texts and prompts: the bundled ones and the user's own."""

from pathlib import Path

import pytest

from engine import catalog
from engine.errors import LesionError
from engine.measure.generation.table import GenerationMeasure
from engine.measure.perplexity.table import PerplexityMeasure
from engine.petri import held_out
from engine.profile.texts import documents, prompt_set_name, prompts


def test_english_is_long_enough_and_in_many_documents() -> None:
    found = documents(PerplexityMeasure(text="english"), Path())
    assert len(found) >= 30
    assert len(set(found)) == len(found)
    assert sum(len(document.split()) for document in found) >= 4000
    assert all(100 <= len(document.split()) <= 250 for document in found)


def test_petri_text_is_the_start_of_the_held_out_stream() -> None:
    five = documents(PerplexityMeasure(text="petri", documents=5), Path())
    assert five == held_out(0, 5)
    assert documents(PerplexityMeasure(text="petri", documents=2), Path()) == five[:2]


@pytest.mark.parametrize(("name", "count"), [("short", 8), ("petri", 8), ("dreams", 38)])
def test_prompt_sets_are_as_large_as_they_say(name: str, count: int) -> None:
    found = prompts(GenerationMeasure(prompts=name), Path())
    assert len(set(found)) == len(found) == count
    assert catalog.prompt_sets()[name].summary.startswith(str(count))


def test_every_bundled_name_can_be_read() -> None:
    for name in catalog.texts():
        assert documents(PerplexityMeasure(text=name, documents=1), Path())
    for name in catalog.prompt_sets():
        assert len(prompts(GenerationMeasure(prompts=name, limit=1), Path())) == 1


def test_own_text_has_documents_between_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_bytes("\ufeffone\r\nstill one\r\n\r\n \r\n\r\ntwo — ü\r\n".encode())
    measure = PerplexityMeasure.model_construct(text="own.txt", documents=None)
    assert documents(measure, tmp_path) == ["one\nstill one", "two — ü"]


def test_own_prompts_are_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("one\n\n  two  \nthree")
    measure = GenerationMeasure.model_construct(prompts="own.txt", limit=2)
    assert prompts(measure, tmp_path) == ["one", "two"]
    assert prompts(GenerationMeasure(prompts=("x", "y"), limit=1), tmp_path) == ["x"]


def test_records_name_the_prompts() -> None:
    assert prompt_set_name(GenerationMeasure(prompts="dreams")) == "dreams"
    assert prompt_set_name(GenerationMeasure.model_construct(prompts="/some/where/mine.txt")) == "mine"
    assert prompt_set_name(GenerationMeasure(prompts=("x",))) == "inline"


def test_files_without_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(" \n\n")
    with pytest.raises(LesionError, match=r"'empty.txt' holds no text"):
        documents(PerplexityMeasure.model_construct(text="empty.txt", documents=None), tmp_path)
    (tmp_path / "latin.txt").write_bytes("ü".encode("latin-1"))
    with pytest.raises(LesionError, match=r"latin.txt' is not a text file in UTF-8"):
        prompts(GenerationMeasure.model_construct(prompts="latin.txt", limit=None), tmp_path)
