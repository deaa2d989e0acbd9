"""A trial's key changes exactly with what determines its result."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from engine import catalog
from engine.catalog import registry
from engine.errors import LesionError
from engine.petri import PETRI
from engine.profile import Profile, Trial, load, resolve, trials, versions
from engine.profile.content import model_digests

WithSet = Callable[..., Profile]


def _keys(profile: Profile) -> list[str]:
    return [trial.key for trial in trials(profile)]


def test_a_known_key_stays_what_it_is(base: Path) -> None:
    """Fails when the definition of a key changes. Then old runs can no longer be resumed, so change it on purpose:
    raise a version where results change, and write the new keys here."""
    assert catalog.DRAW_VERSION == 1
    (base.parent / "own.txt").write_text("One document.\n\nAnother one.")
    base.write_text(base.read_text().replace('"petri"', '"own.txt"'))
    baseline, _, damaged = trials(load(base), earlier=[{}])
    assert baseline == Trial(baseline.key, 0, "petri-16k", True, "none", None, None, None, 42)
    assert damaged == Trial(damaged.key, 2, "petri-16k", False, "mult_gauss", "attn_only", None, 0.5, 42)
    assert baseline.keys[-1] == "54476af88aff2847", "as it was when every version was 1"
    assert damaged.keys[-1] == "dd28d0094e706034"


def _raise(monkeypatch: pytest.MonkeyPatch, table: str, name: str) -> None:
    """A measurement or score of the catalog is of the next version."""
    known = getattr(catalog, table)()
    changed = {**known, name: replace(known[name], version=known[name].version + 1)}
    for module in (catalog, registry):
        monkeypatch.setattr(module, table, lambda: changed)


def test_a_version_counts_where_its_numbers_do(with_set: WithSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the sampler where texts are sampled, of a measurement where it is made, of a score where it selects or
    ranks."""
    greedy, sampled = (with_set(f"measure.1.sample={answer}") for answer in ("false", "true"))
    selecting = with_set("damage.0.select={by='top_k', k=3, score='grad_squared'}")
    ranking = with_set("measure.0={name='ranking', scores=['grad_squared'], documents=2}")
    before = [_keys(profile) for profile in (greedy, sampled, selecting, ranking)]
    noted = [versions(profile) for profile in (greedy, sampled, selecting, ranking)]

    def changes() -> list[list[bool]]:
        """Of each profile, which of its three keys are new; the former ones are known wherever they are."""
        new = []
        for profile, keys, old in zip((greedy, sampled, selecting, ranking), before, noted, strict=True):
            grid = trials(profile, earlier=[{}, old])
            assert all(key in trial.keys for trial, key in zip(grid, keys, strict=True))
            new.append([trial.key != key for trial, key in zip(grid, keys, strict=True)])
        return new

    no, yes, damaged, baseline = [False] * 3, [True] * 3, [False, True, True], [True, False, False]
    assert changes() == [no, no, no, no]
    with monkeypatch.context() as patch:
        patch.setattr(catalog, "SAMPLER_VERSION", catalog.SAMPLER_VERSION + 1)
        assert changes() == [no, yes, yes, yes]
    with monkeypatch.context() as patch:
        _raise(patch, "measurements", "perplexity")
        assert changes() == [yes, yes, yes, no]
        assert versions(greedy)["measurement perplexity"] == noted[0]["measurement perplexity"] + 1
    with monkeypatch.context() as patch:
        _raise(patch, "scores", "grad_squared")
        assert changes() == [no, no, damaged, baseline]


def test_a_model_in_a_folder_counts_by_content_not_by_place(base: Path, tmp_path: Path) -> None:
    """Its weights, however they are spread over files, and what else decides what it does."""
    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(PETRI["petri-16k"], here)

    def keys(folder: Path) -> list[str]:
        return _keys(resolve(load(base, [f"model.names={folder}"])))

    before = keys(here)
    assert len(set(before)) == 3
    shutil.copytree(here, there)
    (there / "README.md").write_text("A model.")
    config = json.loads((there / "config.json").read_text())
    (there / "config.json").write_text(json.dumps({**config, "transformers_version": "9.9.9"}))
    weights = load_file(there / "model.safetensors")
    names = sorted(weights)
    (there / "model.safetensors").unlink()
    for number, part in enumerate((names[3:], names[:3])):
        save_file({name: weights[name] for name in part}, there / f"part-{number}.safetensors")
    assert keys(there) == before
    (there / "config.json").write_text(json.dumps({**config, "rotary_pct": 0.5}))
    other = keys(there)
    save_file({name: weights[name] + (name == names[0]) for name in names[3:]}, there / "part-0.safetensors")
    save_file({name: weights[name] + 1 for name in names[:3]}, there / "part-1.safetensors")
    assert not set(before) & set(other)
    assert not set(other) & set(keys(there))
    with pytest.raises(
        LesionError, match=r"other weights than the profile notes in model.digests \(sha256 \w{12}…, not"
    ):
        resolve(load(base, [f"model.names={there}", _digests(here, there)]))
    shutil.copytree(here, tmp_path / "twin")
    with pytest.raises(LesionError, match="holds the same model as"):
        resolve(load(base, [f"model.names=['{here}', '{tmp_path / 'twin'}']"]))


def _digests(folder: Path, name: Path) -> str:
    """The setting that notes of the model called `name` what `folder` holds."""
    return f"model.digests={{'{name}' = {{weights = '{model_digests(str(folder))['weights']}'}}}}"


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
