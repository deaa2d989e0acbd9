"""each_layer: every layer by itself, exactly as though each had a [[damage]] table of its own."""

from collections.abc import Callable

import pytest

from engine.errors import LesionError
from engine.profile import Profile, parse, to_toml, trials

WithSet = Callable[..., Profile]

TABLE = "{method='mult_gauss', groups=['attn_q', 'mlp_only'], levels=[0.5, 0.1], "


def test_one_trial_a_layer_with_the_keys_of_the_same_damage_written_by_hand(with_set: WithSet) -> None:
    scan = trials(with_set(f"damage=[{TABLE} each_layer='1-3'}}, {TABLE} select={{by='random', k=3}}}}]"))
    tables = [f"{TABLE} layers={layer}}}" for layer in ("[1]", "'2'", "'3-3'")]
    by_hand = trials(with_set(f"damage=[{', '.join(tables)}, {TABLE} select={{by='random', k=3}}}}]"))
    assert [trial.key for trial in scan] == [trial.key for trial in by_hand]
    assert [trial.layers for trial in scan if trial.method != "none"] == [(1,)] * 4 + [(2,)] * 4 + [(3,)] * 4 + [
        None
    ] * 4


@pytest.mark.parametrize(("given", "layers"), [("'0-2'", [0, 1, 2]), ("[4, 1]", [1, 4]), ("3", [3]), ("'7'", [7])])
def test_layers_are_given_by_number(with_set: WithSet, given: str, layers: list[int]) -> None:
    profile = with_set(f"damage.0.each_layer={given}")
    found = [trial.layers for trial in trials(profile) if not trial.baseline]
    assert found == [(layer,) for layer in layers for _ in range(2)]


def test_a_resolved_profile_repeats_it(with_set: WithSet, tmp_path: object) -> None:
    import tomllib
    from pathlib import Path

    profile = with_set("damage.0.each_layer='0-2'")
    again = parse(tomllib.loads(to_toml(profile)), "again", Path())
    assert trials(again) == trials(profile)
    assert 'each_layer = "0-2"' in to_toml(profile)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ("damage.0.each_layer='last 4'", "damage.0.each_layer", "depends on the model; give them by number"),
        ("damage.0.each_layer='0-99999999'", "damage.0.each_layer", "go beyond any model"),
        ("damage.0.each_layer='3-1'", "damage.0.each_layer", "names no layers"),
        ("damage.0.each_layer=true", "damage.0.each_layer", "names no layers"),
        (f"damage=[{TABLE} each_layer='1-3', layers='0'}}]", "damage.0.each_layer", "layers or each_layer, not both"),
        ("damage=[{method='none', each_layer=[1]}]", "damage.0.each_layer", "takes no each_layer"),
        (
            "damage=[{method='ablation', groups=['embed_only'], levels=[1], each_layer=[1]}]",
            "damage.0.each_layer",
            "lies outside the layers",
        ),
        (
            f"damage=[{TABLE} each_layer='1-3'}}, {TABLE} layers=[2]}}]",
            "damage.1",
            "mult_gauss on attn_q at level 0.5 is already asked for by damage.0",
        ),
    ],
)
def test_mistakes(refusal: Callable[..., LesionError], changes: str, field: str, words: str) -> None:
    error = refusal(changes)
    assert error.field == field
    assert words in str(error)
