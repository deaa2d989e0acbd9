"""What `load_in` does to a profile: baselines of its own, keys, and what it refuses."""

from collections.abc import Callable

import pytest

from app.console.design.plan import shares, total
from engine import catalog
from engine.errors import LesionError
from engine.profile import Profile, to_toml, trials

WithSet = Callable[..., Profile]
Refusal = Callable[..., LesionError]

FOUR = "model.load_in=4bit"
DAMAGE = (
    "damage=[{method='mult_gauss', groups=['attn_only', 'embed_only'], levels=[0, 1]},"
    "{method='ablation', groups=['attn_only'], levels=[0.5], layers='0-1', select={by='random', k=5}},"
    "{method='uni_quant', groups=['attn_only', 'norms'], levels=[4], options={per='channel'}},"
    "{method='ablation', groups=['attn_only'], levels=[0.2], layers=[1, 0]},"
    "{method='skip', groups=['mlp_only'], levels=[1]}]"
)


def test_every_packed_place_is_requantised_once_after_the_baselines(with_set: WithSet) -> None:
    found = trials(with_set(FOUR, DAMAGE, "seeds.count=2"))
    alone = [trial for trial in found if trial.method == "requantise"]
    assert [(t.group, t.layers, t.seed) for t in alone] == [
        ("attn_only", None, 42),
        ("attn_only", None, 43),
        ("attn_only", "0-1", 42),
        ("attn_only", "0-1", 43),
    ]
    assert [(t.level, t.baseline, t.options, t.select) for t in alone] == [(None, False, {}, None)] * 4
    assert found[2:6] == alone
    assert len({trial.key for trial in found}) == len(found)
    assert not [t for t in trials(with_set(DAMAGE)) if t.method == "requantise"]


def test_one_is_enough_where_nothing_is_drawn(with_set: WithSet) -> None:
    greedy = with_set(FOUR, "seeds.count=5", "measure.1.sample=false")
    assert [t.seed for t in trials(greedy) if t.method == "requantise"] == [42]


@pytest.mark.parametrize("more", [(), ("seeds.count=3",), ("seeds.count=3", "measure.1.sample=false")])
def test_the_console_counts_them(with_set: WithSet, more: tuple[str, ...]) -> None:
    profile = with_set(FOUR, DAMAGE, *more)
    assert total(profile) == len(trials(profile))
    assert "requantise" in [share.what for share in shares(profile)]


def test_keys_tell_codes_apart_but_not_their_spelling(with_set: WithSet) -> None:
    def keys(*overrides: str) -> set[str]:
        return {trial.key for trial in trials(with_set(*overrides))}

    usual = keys(FOUR)
    assert keys(FOUR, "model.quant_type=nf4", "model.double_quant=false") == usual
    others = [
        keys(),
        keys("model.load_in=8bit"),
        keys(FOUR, "model.quant_type=fp4"),
        keys(FOUR, "model.double_quant=true"),
    ]
    assert len(usual.union(*others)) == len(usual) + sum(map(len, others))


def test_a_written_profile_says_what_was_asked_and_no_more(with_set: WithSet) -> None:
    assert "quant_type" not in to_toml(with_set())
    assert "double_quant" not in to_toml(with_set(FOUR))
    assert "double_quant = true" in to_toml(with_set(FOUR, "model.double_quant=true"))


@pytest.mark.parametrize(
    ("overrides", "field", "sentence"),
    [
        (("model.quant_type=fp4",), "model.quant_type", 'changes nothing with load_in = "none": leave it out'),
        (
            ("model.load_in=8bit", "model.double_quant=true"),
            "model.double_quant",
            'changes nothing with load_in = "8bit"',
        ),
        (("damage.0.method=requantise",), "damage.0.method", "requantise cannot be asked for: model.load_in adds"),
        (
            (FOUR, "damage.0={method='bit_flip', groups=['embed_only', 'mlp_only'], levels=[0.1]}"),
            "damage.0.method",
            "bit_flip changes the bits of numbers, and model.load_in stores those of mlp_only as codes: damage "
            "embed_only or norms, or leave model.load_in out",
        ),
        (
            (FOUR, "damage.0.select={by='top_k', k=3, score='hutchinson'}"),
            "damage.0.select.score",
            "hutchinson needs gradients, which the codes that model.load_in makes of attn_only do not have: give one "
            "of magnitude, act_magnitude",
        ),
    ],
)
def test_what_codes_do_not_allow_is_refused(
    refusal: Refusal, overrides: tuple[str, ...], field: str, sentence: str
) -> None:
    error = refusal(*overrides)
    assert error.field == field
    assert sentence in str(error)


def test_gguf_files_are_refused(refusal: Refusal) -> None:
    error = refusal(FOUR, "model.names=['./x.gguf']", must_exist=False)
    assert error.field == "model.load_in"
    assert "/x.gguf cannot be loaded in 4bit: .gguf files become ordinary weights" in str(error)


def test_what_stays_in_numbers_takes_everything(with_set: WithSet) -> None:
    profile = with_set(FOUR, "damage.0={method='bit_flip', groups=['embed_only', 'norms'], levels=[0.1]}")
    assert [trial.method for trial in trials(profile) if not trial.baseline] == ["bit_flip", "bit_flip"]
    assert catalog.method("requantise").level is None
    assert "requantise" not in catalog.methods()
