"""The `options` and `select` of a [[damage]] table: what they accept, what they do to keys, and that they survive."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.console.design.draft import Draft
from engine.errors import LesionError
from engine.profile import Profile, load, localise, to_toml, trial_group, trials

WithSet = Callable[..., Profile]

QUANT = "damage.0={method='uni_quant', groups=['attn_only'], levels=[16]}"
TOP = "damage.0.select={by='top_k', k=10, score='magnitude'}"


def keys(profile: Profile) -> list[str]:
    return [trial.key for trial in trials(profile)]


def test_defaults_written_out_are_the_same_trials(with_set: WithSet) -> None:
    plain = with_set(QUANT)
    assert plain.damage[0].options == {"bounds": "asymmetric", "per": "tensor"}
    assert keys(with_set(QUANT, "damage.0.options={per='tensor'}")) == keys(plain)
    assert keys(with_set(QUANT, "damage.0.select={by='all'}")) == keys(plain)
    assert keys(with_set(TOP)) == keys(with_set(TOP, "damage.0.select.scope=global"))
    assert trials(plain)[-1].options == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([QUANT], [QUANT, "damage.0.options={per='channel'}"]),
        ([QUANT], [QUANT, "damage.0.options={bounds='symmetric'}"]),
        ([], [TOP]),
        ([TOP], [TOP, "damage.0.select.k=11"]),
        ([TOP], [TOP, "damage.0.select.by=bottom_k"]),
        ([TOP], [TOP, "damage.0.select.scope=per_layer"]),
        ([TOP], [TOP, "damage.0.select.score=grad_squared"]),
        (
            [TOP, "damage.0.select.score=grad_squared"],
            [TOP, "damage.0.select.score=grad_squared", "damage.0.select.documents=3"],
        ),
        ([TOP], ["damage.0.select={by='random', k=10}"]),
        (["damage.0.select={by='random', k=10}"], ["damage.0.select={by='random', fraction=0.1}"]),
        ([], ["damage.0.select={by='coordinates', coordinates=[['w', 1, 2]]}"]),
    ],
)
def test_what_is_touched_is_part_of_the_key_of_all_but_baselines(with_set: WithSet, before: Any, after: Any) -> None:
    one, two = keys(with_set(*before)), keys(with_set(*after))
    assert one[0] == two[0]
    assert not set(one[1:]) & set(two[1:])


@pytest.mark.parametrize(
    ("overrides", "field", "sentence"),
    [
        (
            [QUANT, "damage.0.options={pre='tensor'}"],
            "damage.0.options.pre",
            "has no option 'pre'; did you mean 'per'?",
        ),
        (
            [QUANT, "damage.0.options={per='head'}"],
            "damage.0.options.per",
            "'head' is not possible here. Known: tensor, ch",
        ),
        (["damage.0.options={per='tensor'}"], "damage.0.options.per", "the method mult_gauss has no options"),
        (["damage.0.options=3"], "damage.0.options", "must be a table, not 3"),
        (["damage.0.select={by='top'}"], "damage.0.select.by", "'top' is not possible here; did you mean 'top_k'?"),
        (["damage.0.select={by='top_k', k=3}"], "damage.0.select.score", "top_k needs a score: one of grad_x_weight"),
        (["damage.0.select={by='random'}"], "damage.0.select.k", "random needs either k or fraction"),
        ([TOP, "damage.0.select.fraction=0.1"], "damage.0.select.k", "top_k needs either k or fraction"),
        ([TOP, "damage.0.select.k=0"], "damage.0.select.k", "must be at least 1, not 0"),
        ([TOP, "damage.0.select.k=[10, 0]"], "damage.0.select.k", "must be at least 1, not 0"),
        ([TOP, "damage.0.select.k=[10, 20, 10]"], "damage.0.select.k", "k 10 is listed twice"),
        ([TOP, "damage.0.select.k=1.5"], "damage.0.select.k", "must be a whole number, or a list of them, not 1.5"),
        ([TOP, "damage.0.select.k=[]"], "damage.0.select.k", "needs at least one entry"),
        ([TOP, "damage.0.select.seed=3"], "damage.0.select.seed", "score = 'magnitude': leave it out"),
        (
            ["damage.0.select={by='top_k', k=3, score='grad_squared', probes=2}"],
            "damage.0.select.probes",
            "score = 'grad_squared': leave it out",
        ),
        (
            ["damage.0.select={by='top_k', k=3, score='grad_squared', text='nowhere.txt'}"],
            "damage.0.select.text",
            "there is no file",
        ),
        (
            ["damage.0={method='mask', groups=['attn_only'], levels=[0.5]}"],
            "damage.0.select",
            "mask needs to know which weights, as { by = ",
        ),
        ([TOP, "damage.0.select.score=magnitud"], "damage.0.select.score", "did you mean 'magnitude'?"),
        ([TOP, "damage.0.select.documents=2"], "damage.0.select.documents", "score = 'magnitude': leave it out"),
        (
            ["damage.0.select={by='random', fraction=0.1, scope='per_layer'}"],
            "damage.0.select.scope",
            "changes nothing",
        ),
        (["damage.0.select={by='coordinates'}"], "damage.0.select.coordinates", "needs at least one entry"),
        (
            ["damage.0.select={by='coordinates', coordinates=[[1, 2]]}"],
            "damage.0.select.coordinates.0",
            "must be a parameter's name and whole numbers",
        ),
        (
            ["damage.0={method='shuffle', groups=['attn_only'], levels=[1.0], select={by='random', k=3}}"],
            "damage.0.select",
            "the method shuffle cannot be confined to single weights",
        ),
        (
            ["damage.0={method='skip', groups=['attn_q'], levels=[1.0]}"],
            "damage.0.groups",
            "skip cannot be done to attn_q; only to attn_all, mlp_only, all",
        ),
        (
            ["damage.0={method='skip', groups=['attn_all'], levels=[1.0], heads='0'}"],
            "damage.0.heads",
            "the method skip takes no heads",
        ),
    ],
)
def test_mistakes(base: Path, overrides: list[str], field: str, sentence: str) -> None:
    with pytest.raises(LesionError) as caught:
        load(base, overrides)
    assert sentence in str(caught.value)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "overrides",
    [
        [QUANT, "damage.0.options={per='channel'}"],
        [TOP],
        [TOP, "damage.0.select.score=grad_squared", "damage.0.select.text=petri"],
        [TOP, "damage.0.select.score=hutchinson", "damage.0.select.seed=7", "damage.0.select.context=32"],
        [TOP, "damage.0.select.k=[3, 1, 2]"],
        ["damage.0.select={by='random', fraction=0.25}"],
        ["damage.0.select={by='coordinates', coordinates=[['a.weight', 1, 2], ['b \"odd\" name', 3]]}"],
    ],
)
def test_a_profile_written_and_read_again_is_the_same(base: Path, tmp_path: Path, overrides: list[str]) -> None:
    profile = load(base, overrides)
    (tmp_path / "again.toml").write_text(to_toml(profile))
    again = load(tmp_path / "again.toml")
    assert again == profile
    assert keys(again) == keys(profile)


def test_what_the_console_has_no_field_for_survives_editing(base: Path, tmp_path: Path) -> None:
    path = tmp_path / "kept.toml"
    path.write_text(to_toml(load(base, [QUANT, "damage.0.options={per='channel'}", TOP])))
    draft = Draft.read(path)
    draft.set("damage.0.levels", [8, 4])
    draft.set("name", "edited")
    draft.save(path)
    (damage,) = tomllib.loads(path.read_text())["damage"]
    assert damage["options"] == {"bounds": "asymmetric", "per": "channel"}
    assert damage["select"] == {"by": "top_k", "k": 10, "score": "magnitude", "scope": "global"}
    assert damage["levels"] == [8, 4]


def test_trials_that_differ_in_these_alone_are_told_apart(with_set: WithSet) -> None:
    def group(*overrides: str) -> str | None:
        return trial_group(trials(with_set(*overrides))[-1])

    assert group() == "attn_only"
    assert group(TOP) == "attn_only[top_k 10 magnitude]"
    assert group(TOP, "damage.0.layers='0-1'") == "attn_only[0-1; top_k 10 magnitude]"
    assert group(QUANT, "damage.0.options={per='channel'}") == "attn_only[per=channel]"
    assert group("damage.0.select={by='random', fraction=0.25}") == "attn_only[random 0.25]"
    one, two = (group(f"damage.0.select={{by='coordinates', coordinates=[['w', {i}]]}}") for i in (1, 2))
    assert one != two


def test_several_k_are_as_many_tables(with_set: WithSet, tmp_path: Path) -> None:
    listed = with_set(TOP, "damage.0.select.k=[50, 10]")
    one_by_one = with_set(f"damage=[{', '.join(TABLE.format(k=k) for k in (10, 50))}]")
    assert listed == one_by_one
    assert [trial.select for trial in trials(listed)[1:]] == [
        {"by": "top_k", "k": k, "score": "magnitude"} for k in (10, 10, 50, 50)
    ]
    assert keys(with_set(TOP))[1:] == keys(listed)[1:3]
    written = tomllib.loads(to_toml(listed))["damage"]
    assert [table["select"]["k"] for table in written] == [10, 50]


TABLE = (
    "{{method='mult_gauss', groups=['attn_only'], levels=[0.0, 0.5], select={{by='top_k', k={k}, score='magnitude'}}}}"
)


def test_what_a_list_of_k_asks_for_twice_is_refused_where_the_file_has_it(refusal: Callable[..., LesionError]) -> None:
    twice = TABLE.format(k="[5, 10]"), TABLE.format(k="[20, 10]")
    error = refusal(f"damage=[{twice[0]}, {twice[1]}]")
    assert error.field == "damage.1"
    assert "mult_gauss on attn_only at level 0 is already asked for by damage.0" in str(error)


def test_a_text_of_ones_own_counts_by_content_and_travels_with_the_run(base: Path, tmp_path: Path) -> None:
    folder = base.parent
    (folder / "own.txt").write_text("one\n\ntwo")
    (folder / "same.txt").write_text("one\n\ntwo\n")
    score = "damage.0.select={{by='top_k', k=9, score='grad_squared', text='{}'}}"
    own, same = (load(base, [score.format(folder / name)]) for name in ("own.txt", "same.txt"))
    assert keys(own) == keys(same)
    assert keys(own)[1:] != keys(load(base, [score.format("petri")]))[1:]
    fewer = load(base, [score.format(folder / "own.txt"), "damage.0.select.documents=1"])
    assert keys(fewer)[1:] != keys(own)[1:]
    run = tmp_path / "run"
    run.mkdir()
    (run / "profile.toml").write_text(to_toml(localise(own, run)))
    assert (run / "inputs" / "own.txt").read_text() == "one\n\ntwo"
    again = load(run / "profile.toml")
    assert [trial.key for trial in trials(again, run)] == keys(own)
    trial = trials(again, run)[-1]
    assert trial.select == {"by": "top_k", "k": 9, "score": "grad_squared", "text": "inputs/own.txt"}
    assert trial_group(trial) == "attn_only[top_k 9 grad_squared own]"


def test_options_of_a_score_are_told_apart(with_set: WithSet) -> None:
    options = ("context=32", "batch_size=2", "seed=4", "probes=3", "documents=5")
    scored = "damage.0.select={by='top_k', k=9, score='hutchinson'}"
    one = with_set(scored, *(f"damage.0.select.{option}" for option in options))
    expected = "attn_only[top_k 9 hutchinson 5 documents context 32 batches of 2 3 probes seed 4]"
    assert trial_group(trials(one)[-1]) == expected
    found = [keys(with_set(scored, f"damage.0.select.{option}"))[-1] for option in options]
    assert len({*found, keys(with_set(scored))[-1]}) == 6
