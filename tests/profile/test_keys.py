"""A trial's key changes exactly with what determines its result."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine import catalog
from engine.profile import Profile, Trial, load, trials

WithSet = Callable[..., Profile]


def _keys(profile: Profile) -> list[str]:
    return [trial.key for trial in trials(profile)]


def test_a_known_key_stays_what_it_is(base: Path) -> None:
    """Fails when the definition of a key changes. Then old runs can no longer be resumed, so change it on purpose:
    raise DRAW_VERSION where results change, and write the new keys here."""
    assert catalog.DRAW_VERSION == 1
    (base.parent / "own.txt").write_text("One document.\n\nAnother one.")
    base.write_text(base.read_text().replace('"petri"', '"own.txt"'))
    baseline, _, damaged = trials(load(base))
    assert baseline == Trial("54476af88aff2847", 0, "petri-16k", True, "none", None, None, None, 42)
    assert damaged == Trial("dd28d0094e706034", 2, "petri-16k", False, "mult_gauss", "attn_only", None, 0.5, 42)


@pytest.mark.parametrize(
    "override",
    [
        "name=other",
        "description=other",
        "model.device=cpu",
        "model.allow_pickle=true",
        "run.threads=1",
        "run.attempts=5",
        "run.reuse=false",
        "measure.0.documents=2",
        "measure.1.limit=2",
        "measure.1.limit=50",
        "damage.0.levels={from=0, to=0.5, steps=2}",
    ],
)
def test_keys_do_not_depend_on(with_set: WithSet, override: str) -> None:
    assert _keys(with_set(override)) == _keys(with_set())


@pytest.mark.parametrize(
    "override",
    [
        "model.names=['petri-60k']",
        "model.dtype=float32",
        "model.revision=v1",
        "seeds.base=7",
        "seeds.offset=1",
        "measure.0.documents=1",
        "measure.0.text=english",
        "measure.0.context=32",
        "measure.0.stride=4",
        "measure.0.batch_size=1",
        "measure.0.label=x",
        "measure.1.prompts=['a', 'c']",
        "measure.1.limit=1",
        "measure.1.max_new_tokens=9",
        "measure.1.temperature=0.9",
        "measure.1.sample=false",
        "measure.1.chat=false",
        "measure.1.batch_size=1",
    ],
)
def test_every_key_depends_on(with_set: WithSet, override: str) -> None:
    assert not set(_keys(with_set(override))) & set(_keys(with_set()))


@pytest.mark.parametrize(
    "override",
    [
        "damage.0.method=ablation",
        "damage.0.groups=['attn_q']",
        "damage.0.layers='0-1'",
        "damage.0.heads='0-1'",
        "damage.0={method='mult_gauss', groups=['mlp_only'], levels=[0.0, 0.5], experts=[0]}",
        "damage.0.levels=[0.1, 0.6]",
    ],
)
def test_damage_changes_all_keys_but_the_baselines(with_set: WithSet, override: str) -> None:
    before, after = _keys(with_set()), _keys(with_set(override))
    assert before[0] == after[0]
    assert not set(before[1:]) & set(after[1:])


def test_the_draw_version_is_part_of_every_key(with_set: WithSet, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _keys(with_set())
    monkeypatch.setattr(catalog, "DRAW_VERSION", 2)
    assert not set(before) & set(_keys(with_set()))


def test_more_of_anything_keeps_the_trials_that_were_there(with_set: WithSet) -> None:
    more = with_set(
        "seeds.count=3",
        "model.names=['petri-60k', 'petri-16k']",
        "damage.0.groups=['mlp_only', 'attn_only']",
        "damage.0.levels=[0.3, 0.5, 0.0]",
    )
    assert set(_keys(with_set())) < set(_keys(more))


def test_the_same_layers_in_other_words_are_the_same_trial(with_set: WithSet) -> None:
    spellings = ["'0-2'", "[0, 1, 2]", "[2, 1, 0]", "' 0 - 2'"]
    assert len({tuple(_keys(with_set(f"damage.0.layers={layers}"))) for layers in spellings}) == 1


def test_layers_and_heads_of_the_same_numbers_are_other_trials(with_set: WithSet) -> None:
    found = [_keys(with_set(f"damage.0.{key}={given}"))[-1] for key in ("layers", "heads") for given in ("'0-2'", "3")]
    assert len(set(found)) == 4
    assert _keys(with_set("damage.0.heads=[2, 1, 0]"))[-1] == found[2]


def test_temperature_counts_only_while_sampling(with_set: WithSet) -> None:
    greedy = "measure.1.sample=false"
    assert _keys(with_set(greedy, "measure.1.temperature=0.5")) == _keys(with_set(greedy))


def test_texts_count_by_content_not_by_place(base: Path) -> None:
    folder = base.parent

    def keys(name: str, text: str) -> list[str]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        return _keys(load(base, [f"measure.0.text={folder / name}", f"measure.1.prompts={folder / name}"]))

    here = keys("a.txt", "one\n\ntwo\n")
    assert keys("sub/b.txt", "one\n\ntwo\n") == here
    assert keys("a.txt", "one\n\ntoo\n") != here
