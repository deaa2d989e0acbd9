"""The measurements ranking and super_weights in a profile: what they accept, and whose keys they are part of."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import LesionError
from engine.profile import Profile, load, to_toml, trials

WithSet = Callable[..., Profile]

ADDED = "measure=[{{name='perplexity', text='petri', documents=2}}, {{name='ranking'{more}}}]"
ALONE = "measure=[{name='perplexity', text='petri', documents=2}]"


def keys(profile: Profile) -> list[str]:
    return [trial.key for trial in trials(profile)]


def test_what_is_made_on_baselines_alone_leaves_the_keys_of_damage_as_they_were(with_set: WithSet) -> None:
    alone, added = (keys(with_set(measures)) for measures in (ALONE, ADDED.format(more="")))
    assert alone[0] != added[0]
    assert alone[1:] == added[1:]
    everywhere = keys(with_set(ADDED.format(more=", trials='all'")))
    assert not set(everywhere) & set(added)


@pytest.mark.parametrize(
    "more",
    ["k=5", "scores=['magnitude']", "group='mlp_only'", "layers='0'", "scope='per_layer'", "samples=1", "context=9"],
)
def test_the_baselines_key_depends_on(with_set: WithSet, more: str) -> None:
    assert keys(with_set(ADDED.format(more=f", {more}")))[0] != keys(with_set(ADDED.format(more="")))[0]


def test_written_and_read_again_it_is_the_same(with_set: WithSet, tmp_path: Path) -> None:
    profile = with_set(ADDED.format(more=", k=[3, 1], scores=['hutchinson', 'magnitude'], seeds=2, layers='0-1'"))
    (tmp_path / "again.toml").write_text(to_toml(profile))
    assert load(tmp_path / "again.toml") == profile
    assert "k = [1, 3]" in to_toml(profile)


@pytest.mark.parametrize(
    ("more", "field", "sentence"),
    [
        ("scores=['magnitud']", "scores", "did you mean 'magnitude'?"),
        ("scores=['magnitude', 'magnitude']", "scores", "score 'magnitude' is listed twice"),
        ("scores=[]", "scores", "needs at least one entry"),
        ("group='mlp'", "group", "did you mean 'mlp_"),
        ("group='embed_only', layers='0'", "layers", "layers narrow nothing in embed_only"),
        ("k=0", "k", "must be at least 1, not 0"),
        ("samples=9", "samples", "9 samples need as many documents, and there are 8 at most"),
        ("seeds=3", "seeds", "changes nothing where no score draws"),
        ("scores=['act_magnitude']", "", "act_magnitude does not apply to all of all"),
        ("trials='some'", "trials", "'some' is not possible here"),
        ("text='nowhere.txt'", "text", "there is no file"),
    ],
)
def test_mistakes(refusal: Callable[..., LesionError], more: str, field: str, sentence: str) -> None:
    error = refusal(ADDED.format(more=f", {more}"))
    assert sentence in str(error)
    assert error.field == f"measure.1.{field}".rstrip(".")


def test_a_score_that_cannot_be_of_a_group_is_refused_before_anything_runs(refusal: Callable[..., LesionError]) -> None:
    select = "{by='top_k', k=3, score='act_magnitude'}"
    error = refusal(f"damage.0={{method='mask', groups=['mlp_only', 'norms'], levels=[1.0], select={select}}}")
    assert "the score act_magnitude does not apply to all of norms" in str(error)


@pytest.mark.parametrize(
    ("measure", "field", "sentence"),
    [
        ("{name='super_weights'}", "name", "super_weights zeroes single numbers, and model.load_in stores codes"),
        ("{name='ranking', scores=['magnitude', 'grad_squared']}", "scores", "grad_squared needs gradients"),
    ],
)
def test_what_codes_cannot_give(refusal: Callable[..., LesionError], measure: str, field: str, sentence: str) -> None:
    error = refusal("model.load_in=8bit", f"measure=[{measure}]")
    assert sentence in str(error)
    assert error.field == f"measure.0.{field}"


def test_with_several_k_other_mistakes_are_found_where_the_file_has_them(refusal: Callable[..., LesionError]) -> None:
    table = (
        "{{method='scale', groups=['attn_only'], levels=[2.0], select={{by='top_k', k=[1, 2, 3], score='{score}'}}}}"
    )
    tables = ", ".join(table.format(score=score) for score in ("magnitude", "grad_squared"))
    error = refusal("model.load_in=8bit", f"damage=[{tables}]")
    assert error.field == "damage.1.select.score"
