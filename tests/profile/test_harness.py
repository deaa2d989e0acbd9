"""The measurement lm_eval in a profile: what is refused without lm-evaluation-harness, and what keys depend on."""

import sys
import tomllib
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from engine import catalog
from engine.errors import LesionError
from engine.measure.lm_eval.table import HarnessMeasure
from engine.profile import Profile, load, localise, parse, to_toml, trials
from tests.harness_tasks import write_task

Refusal = Callable[..., LesionError]
WithSet = Callable[..., Profile]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Profiles only look whether the package could be found."""
    stands_in = ModuleType("lm_eval")
    stands_in.__spec__ = ModuleSpec("lm_eval", None)
    monkeypatch.setitem(sys.modules, "lm_eval", stands_in)


def keys(profile: Profile) -> list[str]:
    return [trial.key for trial in trials(profile)]


def test_without_the_package_a_sentence_says_how_to_get_it(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    error = refusal("measure=[{name='lm_eval', tasks=['arc_easy']}]")
    assert error.field == "measure.0.tasks"
    assert "which is not installed here; install it with: pip install 'lm-eval'" in str(error)


@pytest.mark.usefixtures("installed")
def test_mistakes_are_named(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for measure, field, sentence in (
        ("{name='lm_eval'}", "measure.0.tasks", "this key is required"),
        ("{name='lm_eval', tasks=[]}", "measure.0.tasks", "at least one entry"),
        ("{name='lm_eval', tasks=['a', 'a']}", "measure.0.tasks", "'a' is listed twice"),
        ("{name='lm_eval', tasks=['a'], include_path='./no'}", "measure.0.include_path", "there is no folder"),
        (f"{{name='lm_eval', tasks=['a'], include_path='{tmp_path}/empty'}}", "measure.0.include_path", "no task file"),
        ("{name='lm_eval', tasks=['a'], shots=3}", "measure.0.shots", "there is no such key"),
    ):
        error = refusal(f"measure=[{measure}]")
        assert error.field == field
        assert sentence in str(error)


@pytest.mark.usefixtures("installed")
def test_own_task_files_count_by_content_and_travel_with_a_run(base: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "__pycache__").mkdir(parents=True)
    write_task(own)
    asked = "measure=[{name='lm_eval', tasks=['petri_world'], include_path='own'}]"
    profile = load(base, [asked])
    [measure] = profile.measure
    assert isinstance(measure, HarnessMeasure)
    assert measure.include_path == str(own)
    first = keys(profile)
    (own / "__pycache__" / "left.pyc").touch()
    assert keys(load(base, [asked])) == first
    run = tmp_path / "run"
    run.mkdir()
    (run / "profile.toml").write_text(to_toml(localise(profile, run)))
    assert sorted(path.name for path in (run / "inputs" / "own").rglob("*")) == ["questions.jsonl", "task.yaml"]
    assert keys(parse(tomllib.loads((run / "profile.toml").read_text()), "again", run)) == first
    (own / "questions.jsonl").write_text("")
    assert keys(load(base, [asked])) != first


@pytest.mark.usefixtures("installed")
def test_baselines_follow_the_seeds_only_where_examples_are_drawn(with_set: WithSet) -> None:
    def baselines(measure: str) -> int:
        return sum(trial.baseline for trial in trials(with_set(f"measure=[{{{measure}}}]", "seeds.count=3")))

    assert baselines("name='lm_eval', tasks=['a'], num_fewshot=0") == 1
    assert baselines("name='lm_eval', tasks=['a'], num_fewshot=2") == 3
    assert baselines("name='lm_eval', tasks=['a']") == 3  # the task's own number


def test_metrics_named_by_task_are_known() -> None:
    found = catalog.metric("few.arc_easy_acc_norm")
    assert found is not None
    assert (found.name, found.better, found.log) == ("*_acc_norm", "higher", False)
    perplexity = catalog.metric("wikitext_word_perplexity")
    assert perplexity is not None
    assert perplexity.log
    assert catalog.metric("gsm8k_something_else") is None
    exact = catalog.metric("exact_match")
    assert exact is not None
    assert exact.name == "exact_match"
