"""Prompts with answers and multiple-choice questions: the bundled ones, and the user's own files."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import catalog
from engine.catalog.bundled import Question
from engine.errors import LesionError
from engine.measure.generation.table import GenerationMeasure
from engine.measure.residual_gain.table import ResidualGainMeasure
from engine.measure.tasks.choices import Choice, choices
from engine.measure.tasks.table import TasksMeasure
from engine.profile import MeasureTable, Profile, localise, parse, to_toml, trials
from engine.profile.texts import prompts, questions

WithSet = Callable[..., Profile]
Refusal = Callable[..., LesionError]
PARTS = ["math", "language", "logic", "facts", "creativity"]


def bundled(name: str) -> list[Question]:
    return questions(GenerationMeasure(prompts=name), Path())


def test_the_cognitive_set_is_its_parts_one_after_the_other() -> None:
    assert bundled("cognitive") == [question for part in PARTS for question in bundled(part)]
    assert [len(bundled(part)) for part in PARTS] == [24, 16, 10, 10, 5]


@pytest.mark.parametrize("name", list(catalog.prompt_sets()))
def test_sets_are_as_large_as_they_say_and_say_nothing_twice(name: str) -> None:
    found = [question.prompt for question in bundled(name)]
    assert len(set(found)) == len(found)
    assert catalog.prompt_sets()[name].summary.startswith(f"{len(found)} ")


@pytest.mark.parametrize("name", ["math", "language", "logic", "facts"])
def test_every_question_with_a_right_answer_has_it(name: str) -> None:
    assert all(question.answers and all(question.answers) for question in bundled(name))


def test_answers_that_can_be_worked_out_are_right() -> None:
    answers = {question.prompt: question.answers[0] for question in bundled("math")}
    assert answers["What is the result of 3 + 48 / 6 - 7?"] == str(3 + 48 // 6 - 7)
    assert answers["What is the result of (6 + 4) * 3 - 5?"] == str((6 + 4) * 3 - 5)
    assert answers["What is the result of 2 + 3 * 4?"] == str(2 + 3 * 4)
    assert answers["What is 7 times 8?"] == str(7 * 8)
    assert answers["What is 144 divided by 12?"] == str(144 // 12)
    assert answers["What is 15 plus 27?"] == str(15 + 27)
    assert answers["What is 100 minus 37?"] == str(100 - 37)
    assert answers["What is 25 percent of 80?"] == str(80 // 4)
    assert answers["What is the remainder when 17 is divided by 5?"] == str(17 % 5)
    assert answers["How many minutes are there in two and a half hours?"] == str(60 * 5 // 2)


def test_the_survey_sets_are_those_of_the_surveys() -> None:
    gains, residual = bundled("gains4"), bundled("residual25")
    assert gains[0].prompt == "The capital of France is Paris, which is known for the Eiffel Tower."
    assert gains[3].prompt == "Artificial intelligence has made significant progress in recent years"
    assert len(residual) == 25
    assert residual[0].prompt == "The capital of France is"
    assert residual[10].prompt == "Actions speak louder than"
    assert residual[16].prompt.startswith("The Voynich manuscript's undeciphered text has led some researchers to ")
    assert residual[24].prompt == "The hypotenuse of existential dread interpolates between"


def test_own_questions_with_one_answer_several_or_none(tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_text(
        '{"prompt": "a?", "answer": "x"}\n\n{"prompt": "b?", "answer": ["y", "z"]}\n{"prompt": "two\\nlines"}\n'
    )
    measure = GenerationMeasure(prompts=str(tmp_path / "own.jsonl"))
    assert questions(measure, Path()) == [Question("a?", ("x",)), Question("b?", ("y", "z")), Question("two\nlines")]
    assert prompts(measure.model_copy(update={"limit": 2}), Path()) == ["a?", "b?"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("not json", "line 2, is not a JSON object in braces"),
        ("[1]", "line 2, is not a JSON object in braces"),
        ('{"answer": "x"}', 'line 2, needs "prompt", a text'),
        ('{"prompt": " "}', 'line 2, needs "prompt", a text'),
        ('{"prompt": "a", "answer": 4}', 'may have "answer", a text or a list of texts'),
        ('{"prompt": "\\ud800 a"}', "line 2, holds half a character"),
        ('{"prompt": "a", "answer": "\\uDC01"}', "line 2, holds half a character"),
        ("[" * 100_000, "line 2, is not a JSON object in braces"),
    ],
)
def test_a_line_that_is_no_question_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(f'{{"prompt": "a"}}\n{line}\n')
    with pytest.raises(LesionError) as caught:
        questions(GenerationMeasure(prompts=str(path)), Path())
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


def test_whole_characters_by_halves_and_rare_line_ends_stay_in_their_prompt(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"prompt": "a \\ud83d\\ude00 b"}\n{"prompt": "c\u2028d"}\n', encoding="utf-8")
    asked = questions(GenerationMeasure(prompts=str(path)), Path())
    assert [question.prompt for question in asked] == ["a \U0001f600 b", "c\u2028d"]


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"choices": ["a", "b"], "answer": 0}, 'needs "question"'),
        ({"question": "q", "choices": ["a"], "answer": 0}, 'needs "choices", a list of two or more'),
        ({"question": "q", "choices": ["a", ""], "answer": 0}, 'needs "choices", a list of two or more'),
        ({"question": "q", "choices": ["a", "b"], "answer": 2}, 'needs "answer", the number of the right choice: 0 to'),
        ({"question": "q", "choices": ["a", "b"], "answer": True}, 'needs "answer"'),
        ({"question": "q", "choices": ["a", "b"], "answer": "a"}, 'needs "answer"'),
    ],
)
def test_a_line_that_is_no_choice_is_named(tmp_path: Path, entry: dict[str, object], sentence: str) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(entry))
    with pytest.raises(LesionError, match="line 1,") as caught:
        choices(TasksMeasure(task=str(path)), Path())
    assert sentence in str(caught.value)
    path.write_text("\n")
    with pytest.raises(LesionError, match="holds no question"):
        choices(TasksMeasure(task=str(path)), Path())


def reads(measure: MeasureTable) -> str | None:
    """The prompts, the text or the task of a measurement."""
    ways = (getattr(measure, key, None) for key in ("prompts", "text", "task"))
    return next((way for way in ways if way), None)


def test_auto_is_settled_by_the_models(with_set: WithSet) -> None:
    measures = "measure=[{name='gains'}, {name='residual_gain'}, {name='spectrum'}, {name='tasks'}]"
    petri = with_set(measures).measure
    other = with_set(measures, "model.names=['EleutherAI/pythia-70m']").measure
    assert [reads(measure) for measure in petri] == ["petri"] * 4
    assert [reads(measure) for measure in other] == [
        "gains4",
        "residual25",
        "english",
        "basics",
    ]


@pytest.mark.parametrize(
    ("measure", "field", "sentence"),
    [
        ("{name='gains', prompts='gain4'}", "measure.0.prompts", "did you mean 'gains4'?"),
        (
            "{name='tasks', task='basic'}",
            "measure.0.task",
            "there is no task 'basic', and no such file either; did you",
        ),
        ("{name='spectrum', layers='first'}", "measure.0.layers", "'first' names no layers"),
        ("{name='spectrum', contxt=3}", "measure.0.contxt", "there is no such key"),
        ("{name='residual_gain', batch_size=0}", "measure.0.batch_size", "must be at least 1"),
        ("{name='spectra'}", "measure.0.name", "there is no measurement 'spectra'; did you mean 'spectrum'?"),
    ],
)
def test_mistakes_are_named(refusal: Refusal, measure: str, field: str, sentence: str) -> None:
    error = refusal(f"measure=[{measure}]")
    assert error.field == field
    assert sentence in str(error)


def test_keys_depend_on_what_is_asked_and_on_answers_only_where_they_are_used(base: Path, tmp_path: Path) -> None:
    from engine.profile import load

    own = tmp_path / "own.jsonl"

    def keys(measure: str, text: str) -> list[str]:
        own.write_text(text)
        return [trial.key for trial in trials(load(base, [f"measure=[{{{measure}}}]"]))]

    asked = f"name='generation', prompts='{own}'"
    plain = keys(asked, '{"prompt": "a"}')
    assert plain == keys("name='generation', prompts=['a']", "")
    assert not set(plain) & set(keys(asked, '{"prompt": "a", "answer": "x"}'))
    gains = f"name='gains', prompts='{own}'"
    assert keys(gains, '{"prompt": "a"}') == keys(gains, '{"prompt": "a", "answer": "x"}')
    task = f"name='tasks', task='{own}'"
    first = keys(task, '{"question": "q", "choices": ["a", "b"], "answer": 0}')
    assert not set(first) & set(keys(task, '{"question": "q", "choices": ["a", "b"], "answer": 1}'))
    assert keys("name='spectrum', layers='0-1'", "") == keys("name='spectrum', layers=[1, 0]", "")
    assert not set(keys("name='spectrum', layers=1", "")) & set(keys("name='spectrum'", ""))


def test_own_files_travel_with_a_run(base: Path, tmp_path: Path) -> None:
    import tomllib

    from engine.profile import load

    own = tmp_path / "own.jsonl"
    own.write_text('{"question": "q", "choices": ["a", "b"], "answer": 0}')
    (tmp_path / "asked.jsonl").write_text('{"prompt": "a", "answer": "x"}')
    asked = f"{{name='residual_gain', prompts='{tmp_path}/asked.jsonl'}}"
    profile = load(base, [f"measure=[{{name='tasks', task='{own}'}}, {asked}]"])
    run = tmp_path / "run"
    run.mkdir()
    (run / "profile.toml").write_text(to_toml(localise(profile, run)))
    again = parse(tomllib.loads((run / "profile.toml").read_text()), "again", run)
    task, residual = again.measure
    assert isinstance(task, TasksMeasure)
    assert isinstance(residual, ResidualGainMeasure)
    assert task.task == str(run / "inputs" / "own.jsonl")
    assert choices(task, run) == [Choice("q", ("a", "b"), 0)]
    assert prompts(residual, run) == ["a"]
    assert [trial.key for trial in trials(again)] == [trial.key for trial in trials(profile)]
