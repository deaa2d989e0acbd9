"""Generated texts: a prompt's text is the same alone, in any batch, and from the library's own greedy decoding."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.errors import LesionError
from engine.measure.generation.run import Generation
from engine.measure.generation.sampling import Sampler, greedy
from engine.measure.generation.table import GenerationMeasure
from engine.models.loading import LoadedModel, load
from engine.petri import PETRI
from engine.profile import ModelSpec

PROMPTS = ("once", "The old lighthouse keeper said", "a", "why do crows", "two and two is", "Good morning, dear")
FAMILIES = ["llama", "gpt2", "neox", "petri"]


@pytest.fixture(scope="module")
def subjects(tiny_models: dict[str, Path]) -> dict[str, LoadedModel]:
    folders = tiny_models | {"petri": PETRI["petri-60k"]}
    return {name: open_model(folder) for name, folder in folders.items()}


def open_model(folder: Path) -> LoadedModel:
    return load(ModelSpec(names=(str(folder),)), str(folder), torch.device("cpu"))


def texts(loaded: LoadedModel, seed: int = 0, batch_size: int = 40, **options: Any) -> list[dict[str, Any]]:
    options = {"prompts": PROMPTS, "max_new_tokens": 12, "chat": False} | options
    generation = Generation(GenerationMeasure(**options), loaded, Path())
    return generation.run(seed, batch_size, lambda done, total: None).texts


def said(records: list[dict[str, Any]]) -> dict[str, str]:
    return {record["prompt"]: record["text"] for record in records}


@pytest.mark.parametrize("name", FAMILIES)
def test_greedy_is_the_same_alone_batched_and_by_the_library(name: str, subjects: dict[str, LoadedModel]) -> None:
    loaded = subjects[name]
    together = texts(loaded, sample=False)
    assert said(texts(loaded, sample=False, batch_size=4)) == said(together)
    assert len(set(said(together).values())) > 1
    for record in together:
        assert said(texts(loaded, sample=False, prompts=(record["prompt"],))) == {record["prompt"]: record["text"]}
        ids = loaded.tokenizer(record["prompt"], return_tensors="pt")["input_ids"]
        whole = loaded.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12, pad_token_id=0
        )[0]
        new = whole[ids.shape[1] :].tolist()
        assert (record["tokens_in"], record["tokens_out"]) == (ids.shape[1], len(new))
        known = [token for token in new if token < len(loaded.tokenizer)]
        assert record["text"] == loaded.tokenizer.decode(known, skip_special_tokens=True)


@pytest.mark.parametrize("name", FAMILIES)
def test_sampling_follows_the_seed_and_nothing_else(name: str, subjects: dict[str, LoadedModel]) -> None:
    loaded = subjects[name]
    first = said(texts(loaded, seed=5))
    texts(loaded, seed=6)
    torch.manual_seed(99)
    assert said(texts(loaded, seed=5)) == first
    assert said(texts(loaded, seed=5, batch_size=1)) == first
    assert said(texts(loaded, seed=5, limit=3)) == {prompt: first[prompt] for prompt in PROMPTS[:3]}
    others = (PROMPTS[0], "somebody else", "another", PROMPTS[3])
    assert said(texts(loaded, seed=5, prompts=others))[PROMPTS[3]] == first[PROMPTS[3]]
    assert said(texts(loaded, seed=6)) != first


def test_equal_prompts_draw_apart(subjects: dict[str, LoadedModel]) -> None:
    record = texts(subjects["llama"], prompts=("same", "same"), seed=1)
    assert record[0]["text"] != record[1]["text"]


def test_logits_that_are_no_distribution_fall_back() -> None:
    nan, inf = math.nan, math.inf
    logits = torch.tensor([[nan, 1.0, 3.0], [nan, nan, nan], [inf, 0.0, -1.0], [-inf, -inf, -inf], [-inf, 5.0, -inf]])
    expected = [2, 0, 1, 0, 1]
    assert greedy(logits, 0).tolist() == expected
    assert Sampler(0, range(5), 1.0)(logits, 0).tolist() == expected


@pytest.mark.parametrize("sample", [True, False])
def test_a_broken_model_still_yields_texts(sample: bool, tiny_models: dict[str, Path]) -> None:
    loaded = open_model(tiny_models["gpt2"])
    with torch.no_grad():
        loaded.model.transformer.h[0].attn.c_attn.weight.fill_(math.nan)
    for record in texts(loaded, sample=sample):
        assert (record["tokens_out"], record["stop"]) == (12, "length")


def test_chat_template_is_used_where_there_is_one(subjects: dict[str, LoadedModel]) -> None:
    loaded = subjects["llama"]
    plain = texts(loaded, chat=False, prompts=("hi",))[0]
    auto = texts(loaded, chat="auto", prompts=("hi",))[0]
    assert plain["tokens_in"] == len("<s>") - 2 + len("hi")
    assert auto["tokens_in"] == len("<user>hi<bot>")
    assert auto["prompt"] == "hi"
    assert said([auto]) == said(texts(loaded, chat=True, prompts=("hi",)))
    assert texts(subjects["gpt2"], chat="auto", prompts=("hi",))[0]["tokens_in"] == 2
    with pytest.raises(LesionError, match="no chat template"):
        texts(subjects["gpt2"], chat=True)


def test_stops_are_told_apart_and_counted(subjects: dict[str, LoadedModel]) -> None:
    loaded = subjects["petri"]
    generation = Generation(GenerationMeasure(prompts="petri", max_new_tokens=160), loaded, Path())
    measured = generation.run(0, 3, lambda done, total: None)
    stops = [record["stop"] for record in measured.texts]
    assert set(stops) == {"eos", "length"} or set(stops) == {"eos"}
    assert measured.metrics["stopped_eos"] == stops.count("eos") / len(stops)
    lengths = [record["tokens_out"] for record in measured.texts]
    assert measured.metrics["generated_tokens"] == sum(lengths) / len(lengths)
    seconds = {record["batch"]: record["batch_seconds"] for record in measured.texts}
    assert sorted(seconds) == [0, 1, 2]
    assert measured.metrics["seconds_per_text"] == pytest.approx(sum(seconds.values()) / len(stops))
    assert [record["index"] for record in measured.texts] == list(range(len(stops)))
    assert all(record["prompt_set"] == "petri" and "<|end|>" not in record["text"] for record in measured.texts)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_texts_end_at_the_context(name: str, subjects: dict[str, LoadedModel]) -> None:
    prompts = ("b" * 60, "short")
    generation = Generation(GenerationMeasure(prompts=prompts, max_new_tokens=30, chat=False), subjects[name], Path())
    assert "1 texts end early" in generation.notes[0]
    for record in generation.run(0, 2, lambda done, total: None).texts:
        room = 64 - record["tokens_in"]
        assert record["stop"] == "eos" or record["tokens_out"] == min(30, room)
    with pytest.raises(LesionError, match="leave room"):
        texts(subjects[name], prompts=("c" * 64,))


def test_answers_are_graded_where_prompts_have_them(subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    loaded = subjects["petri"]
    plain = Generation(GenerationMeasure(prompts="petri", sample=False), loaded, Path()).run(0, 8, lambda *_: None)
    assert "exact_match" not in plain.metrics
    assert "answers" not in plain.texts[0]
    first, second = plain.texts[0], plain.texts[1]
    rows = [
        {"prompt": first["prompt"], "answer": ["something else", first["text"]]},
        {"prompt": second["prompt"], "answer": second["text"].split()[1]},
        {"prompt": plain.texts[2]["prompt"]},
    ]
    (tmp_path / "own.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    spec = GenerationMeasure(prompts=str(tmp_path / "own.jsonl"), sample=False)
    graded = Generation(spec, loaded, tmp_path).run(0, 8, lambda *_: None)
    assert [text["text"] for text in graded.texts] == [text["text"] for text in plain.texts[:3]]
    assert [text.get("exact_match") for text in graded.texts] == [True, False, None]
    assert [text.get("answered") for text in graded.texts] == [True, True, None]
    assert (graded.metrics["exact_match"], graded.metrics["answered"]) == (0.5, 1.0)
    for name in ("distinct_1", "distinct_2", "repetition"):
        values = [text[name] for text in graded.texts]
        assert graded.metrics[name] == pytest.approx(sum(values) / 3)


def test_texts_without_a_word_have_no_variety(tiny_models: dict[str, Path]) -> None:
    loaded = open_model(tiny_models["gpt2"])
    with torch.no_grad():
        loaded.model.transformer.h[0].attn.c_attn.weight.fill_(math.nan)  # then token 0, "!", is written
    measured = Generation(GenerationMeasure(prompts=("a", "b"), max_new_tokens=3), loaded, Path()).run(
        0, 2, lambda *_: None
    )
    assert [text["distinct_1"] for text in measured.texts] == [None, None]
    assert math.isnan(measured.metrics["distinct_1"])
    assert measured.metrics["repetition"] == 0.0
