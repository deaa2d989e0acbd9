"""The degradation study's list of texts: a run of its own, or done work of a profile of ours."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine import analysis, runs
from engine.errors import LesionError
from engine.profile import load
from engine.profile.texts import prompts
from engine.runs.importing import bring_in, bring_into

TEXT = "I was in a house, in a house, in a house, in a house of glass."


def record(**fields: Any) -> dict[str, Any]:
    """A record with every key that the study's last version wrote, and those of earlier ones."""
    return {
        "timestamp": "2025-06-01T10:00:00",
        "config_name": "gauss_attn",
        "model_name": "google/gemma-3-4b-it",
        "model_variant": "gemma-3-4b-it",
        "device": "cuda:0",
        "dtype": "float16",
        "load_4bit": False,
        "restore_strategy": "subset_in_memory",
        "degradation_method": "mult_gauss",
        "param_group_name": "attn_only",
        "degrad_level": 0.35,
        "level_index": 1,
        "repeat_index": 0,
        "prompt_group": "dreams",
        "prompt_id": 1,
        "prompt_text": "Tell me about a dream.",
        "output": TEXT,
        "tokens_in": 12,
        "tokens_out": 17,
        "duration": 3.25,
        "gen_params": {"temperature": 1.0, "do_sample": True, "max_new_tokens": 350},
        "seed": 42,
        "batch_size_effective": 40,
        "image_used": False,
        "image_filename": None,
        "vram_usage_percent": 41.5,
        "perplexity": 21.5,
        "std_dev": 0.35,
    } | fields


RECORDS = [
    record(),
    record(prompt_id=2, prompt_text="Describe a dream.", output="", tokens_out=0, perplexity=None),
    record(prompt_group="cognitive", prompt_text="What is the capital of France?", output="Paris", tokens_out=1),
    record(repeat_index=1, seed=43, perplexity=float("inf")),
    record(degrad_level=1024, degradation_method="uni_quant", std_dev=1024),
]


def write(tmp_path: Path, records: Any, name: str = "outputs_mult_gauss_gemma-3-4b-it_dreams.json") -> Path:
    path = tmp_path / name
    path.write_text(records if isinstance(records, str) else json.dumps(records))
    return path


def test_texts_of_one_model_method_group_level_and_seed_are_a_trial(tmp_path: Path) -> None:
    [made] = bring_in([write(tmp_path, RECORDS)], tmp_path / "results").runs
    assert (made.trials, made.texts) == (3, 5)
    first, second, third = runs.read_trials(made.run)
    assert (first.method, first.group, first.level, first.seed, first.texts) == ("mult_gauss", "attn_only", 0.35, 42, 3)
    assert (second.seed, third.method, third.level) == (43, "uni_quant", 1024)
    assert first.metrics["dreams.published_text_perplexity"] == 21.5
    assert str(second.metrics["dreams.published_text_perplexity"]) == "inf"
    assert first.metrics["dreams.generated_tokens"] == 8.5
    assert first.metrics["dreams.repetition"] > 0
    assert first.metrics["cognitive.distinct_1"] == 1.0
    profile = runs.read_profile(made.run)
    assert (profile.model.dtype, profile.damage[1].levels) == ("float16", (1024,))
    assert "dreams.distinct_1" in analysis.metric_names(analysis.rows(made.run))


def test_all_fields_stay_with_the_text(tmp_path: Path) -> None:
    [made] = bring_in([write(tmp_path, RECORDS)], tmp_path / "results").runs
    texts = runs.read_generations(made.run)
    assert (texts[0].label, texts[0].index, texts[0].prompt, texts[0].text) == (
        "dreams",
        0,
        "Tell me about a dream.",
        TEXT,
    )
    assert texts[0].found["source"]["vram_usage_percent"] == 41.5
    assert texts[0].found["source"]["gen_params"] == RECORDS[0]["gen_params"]
    assert texts[1].text == ""


def test_records_of_earlier_versions(tmp_path: Path) -> None:
    old = record(repeat_index=3)
    for key in ("degrad_level", "seed", "tokens_in", "tokens_out", "dtype", "perplexity"):
        del old[key]
    old |= {"tokens": 17, "force_run": False, "usar_4bit": False, "std_dev": 0.7}
    [made] = bring_in([write(tmp_path, [old])], tmp_path / "results").runs
    [trial] = runs.read_trials(made.run)
    assert (trial.level, trial.seed) == (0.7, 45)
    assert any("42 + repeat_index" in note for note in made.notes)
    [text] = runs.read_generations(made.run)
    assert text.found["source"]["tokens"] == 17


def test_two_types_of_numbers_are_two_runs(tmp_path: Path) -> None:
    path = write(tmp_path, [record(), record(dtype="torch.float32")])
    made = bring_in([path], tmp_path / "results").runs
    assert [runs.read_profile(one.run).model.dtype for one in made] == ["float16", "float32"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"output": 3}, "record 2, has '3' as its 'output', where a text is expected"),
        ({"degrad_level": "high"}, "has 'high' as its 'degrad_level', where a number is expected"),
        ({"degrad_level": float("nan")}, "where a finite number is expected"),
        ({"seed": 4.5}, "has '4.5' as its 'seed', where a whole number is expected"),
        ({"seed": 10**400}, "where a whole number is expected"),
        ({"tokens_out": -1}, "where a whole number from 0 up is expected"),
        ({"perplexity": "low"}, "has 'low' as its 'perplexity'"),
        ({"model_name": None}, "has 'None' as its 'model_name'"),
        ({"model_name": "a model"}, "names no model"),
    ],
)
def test_damaged_records(fields: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    path = write(tmp_path, [record(), record(**fields)])
    with pytest.raises(LesionError, match=sentence):
        bring_in([path], tmp_path / "results")
    assert not (tmp_path / "results").exists() or not list((tmp_path / "results").iterdir())


def test_damaged_lists(tmp_path: Path) -> None:
    whole = json.dumps(RECORDS)
    for text, sentence in (
        (whole[:500], "is not whole JSON"),
        (whole[:-1] + ", 7]", "record 6, is not an object in braces"),
        ("[]", "is in no format"),
        (json.dumps([{"a": 1}]), "is in no format"),
        (json.dumps([{"output": "x"}]), "has no 'degradation_method'"),
    ):
        with pytest.raises(LesionError, match=sentence):
            bring_in([write(tmp_path, text)], tmp_path / "results")


def test_a_method_that_no_profile_knows_is_kept_as_it_is_called(tmp_path: Path) -> None:
    [made] = bring_in([write(tmp_path, [record(degradation_method="melting")])], tmp_path / "results").runs
    assert [one.method for one in runs.read_trials(made.run)] == ["melting"]
    assert [damage.method for damage in runs.read_profile(made.run).damage] == ["none"]


PROFILE = """
name = "mine"

[model]
names = ["petri-4k"]
dtype = "float32"
device = "cpu"

[[damage]]
method = "mult_gauss"
groups = ["attn_only"]
levels = [0.3, 0.6]

[[measure]]
name = "generation"
label = "dreams"
prompts = "petri"
limit = 2
max_new_tokens = 8

[run]
threads = 1
"""


def profile(tmp_path: Path, old: str = "", new: str = "") -> Path:
    path = tmp_path / "mine.toml"
    assert old in PROFILE
    path.write_text(PROFILE.replace(old, new))
    return path


def of_profile(path: Path, **fields: Any) -> list[dict[str, Any]]:
    """What the study would have written of the first damaged trial of the profile above."""
    usual: dict[str, Any] = {
        "model_name": "petri-4k",
        "dtype": "float32",
        "degrad_level": 0.3,
        "gen_params": {"temperature": 1.0, "do_sample": True, "max_new_tokens": 8},
    }
    asked = prompts(load(path).measure[0], path.parent)  # type: ignore[arg-type]
    numbered = enumerate(asked, start=1)
    return [record(prompt_id=number, prompt_text=prompt, **(usual | fields)) for number, prompt in numbered]


def test_texts_of_a_profile_are_done_work_and_resume_runs_the_rest(tmp_path: Path) -> None:
    file = profile(tmp_path)
    made = bring_into(write(tmp_path, of_profile(file)), file, tmp_path / "results")
    assert (made.trials, made.texts) == (1, 2)
    status = runs.status(made.run)
    assert (status.state, status.imported) == ("stopped", 1)
    assert not runs.is_complete(made.run)
    before = (made.run / "trials.jsonl").read_bytes()
    words = [sys.executable, "-m", "app.cli", "resume", str(made.run), "--results", str(tmp_path / "results")]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (made.run / "trials.jsonl").read_bytes().startswith(before), "what was imported is not run again"
    records = runs.read_trials(made.run)
    assert [(one.level, one.imported is not None) for one in records] == [(0.3, True), (None, False), (0.6, False)]
    assert runs.summary(made.run).state_word == "imported"
    assert [text.text for text in runs.read_generations(made.run)][:2] == [TEXT, TEXT]
    changes = {row["level"]: row["dreams.distinct_1_change_pct"] for row in analysis.rows(made.run)}
    assert changes[0.3] == changes[0.3], "it is compared with the baseline that resume ran"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"model_name": "petri-16k"}, "its model is petri-16k, and the profile has petri-4k"),
        ({"dtype": "float16"}, "its dtype is float16, and the profile's is float32"),
        ({"seed": 43}, "has its method mult_gauss on attn_only with seed 43"),
        ({"degrad_level": 0.31}, "some prompts of the profile have no text, or its level is another"),
        ({"prompt_group": "cognitive"}, "the group of its prompt is 'cognitive'"),
        ({"gen_params": {"do_sample": False, "max_new_tokens": 8}}, "has to sample alike"),
        ({"load_4bit": True}, "weights stored as codes"),
        ({"prompt_text": "Another?"}, "some prompts of the profile have no text"),
    ],
)
def test_what_is_not_of_the_profile_is_no_work_done(fields: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    file = profile(tmp_path)
    records = of_profile(file) if "prompt_text" in fields else of_profile(file, **fields)
    records = [one | fields for one in records]
    with pytest.raises(LesionError, match="has no trial of .* whole: of its first text, .*" + sentence):
        bring_into(write(tmp_path, records), file, tmp_path / "results")
    assert list((tmp_path / "results").iterdir()) == []


def test_a_profile_that_measures_more_than_texts_is_refused(tmp_path: Path) -> None:
    file = profile(tmp_path, "[run]", '[[measure]]\nname = "perplexity"\n\n[run]')
    with pytest.raises(LesionError, match="the measurement perplexity is not what a list of texts can tell"):
        bring_into(write(tmp_path, [record()]), file, tmp_path / "results")
