"""Every mistake in a profile: the key it is blamed on, and the sentence."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import LesionError
from engine.profile import load, parse

Refusal = Callable[..., LesionError]

UNKNOWN = [
    ("sedes.count=1", "sedes", "there is no such key; did you mean 'seeds'? Known: name, description, model, damage"),
    ("seeds.cuont=1", "seeds.cuont", "there is no such key; did you mean 'count'? Known: base, count, offset"),
    ("model.dtyp='auto'", "model.dtyp", "did you mean 'dtype'?"),
    ("damage.0.level=[1]", "damage.0.level", "did you mean 'levels'? Known: method, groups, levels, layers"),
    ("measure.0.text_file='x'", "measure.0.text_file", "Known: name, label, text, documents, context"),
    ("measure.1.max_tokens=3", "measure.1.max_tokens", "did you mean 'max_new_tokens'?"),
    ("damage.0.method=mult_gaus", "damage.0.method", "there is no method 'mult_gaus'; did you mean 'mult_gauss'?"),
    ("damage.0.groups=['attn_onyl']", "damage.0.groups", "there is no parameter group 'attn_onyl'; did you mean"),
    ("measure.0.name=perplexty", "measure.0.name", "there is no measurement 'perplexty'; did you mean 'perplexity'?"),
    ("model.names=['petri-9k']", "model.names.0", "there is no bundled model 'petri-9k'; did you mean 'petri-"),
    ("model.names=['petri-16k', 'petri']", "model.names.1", "Known: petri-4k, petri-16k, petri-60k, petri-250k"),
    ("measure.1.prompts=shrt", "measure.1.prompts", "there is no prompt set 'shrt', and no such file either; did you"),
    ("measure.0.text=englisch", "measure.0.text", "there is no text 'englisch', and no such file either; did you mean"),
    ("model.dtype=floot16", "model.dtype", "'floot16' is not possible here; did you mean 'float16'? Known: auto,"),
    ("model.load_in=3bit", "model.load_in", "'3bit' is not possible here; did you mean '8bit'? Known: none"),
    ("model.device=gpu", "model.device", "'gpu' is no device; give auto, cpu, cuda, or one GPU such as cuda:1"),
]

WRONG_TYPES = [
    ("seeds.count=two", "seeds.count", "must be a whole number, not 'two'"),
    ("seeds.base=1.5", "seeds.base", "must be a whole number, not 1.5"),
    ("seeds.count=true", "seeds.count", "must be a whole number, not true"),
    ("model.names=3", "model.names", "must be a list in square brackets, not 3"),
    ("model.names=petri-9k", "model.names.0", "there is no bundled model 'petri-9k'"),
    ("model.names=pythia:13b", "model.names.0", "'pythia:13b' fits no model; pythia has: 70m, 160m, 410m, 1b, 1.4b,"),
    ("model.names=['petri-1m', 'pithia:*']", "model.names.1", "no family of models 'pithia'; did you mean 'pythia'"),
    ("model.names=['pythia:7*', 'EleutherAI/pythia-70m']", "model.names", "pythia-70m' is listed twice"),
    ("model.names=[1]", "model.names.0", "must be text in quotes, not 1"),
    ("model=3", "model", "must be a table, not 3"),
    ("damage={}", "damage", "must be a list of tables, each opened with [[damage]], not a table"),
    ("measure=[1]", "measure.0", "must be a table, not 1"),
    ("damage.0.levels=0.5", "damage.0.levels", "must be a list in square brackets, not 0.5"),
    ("damage.0.levels=[0, '1']", "damage.0.levels.1", "must be a number, not '1'"),
    ("damage.0.levels=[true]", "damage.0.levels.0", "must be a number, not true"),
    ("measure.1.sample=1", "measure.1.sample", "must be true or false, not 1"),
    ("measure.1.chat=yes", "measure.1.chat", "must be true, false or 'auto', not 'yes'"),
    ("measure.1.prompts=3", "measure.1.prompts", "must be a prompt set, a file or a list of prompts, not 3"),
    ("measure.1.prompts=['a', ' ']", "measure.1.prompts", "every entry is text that is not empty"),
]

IMPOSSIBLE = [
    ("seeds.count=0", "seeds.count", "must be at least 1, not 0"),
    ("seeds.base=3000000000", "seeds.base", "must be at most 2147483647, not 3000000000"),
    ("damage.0.levels=[0, 101]", "damage.0.levels", "level 101 is not possible: σ, the standard deviation of the fac"),
    ("damage.0.levels=[-0.1]", "damage.0.levels", "level -0.1 is not possible"),
    ("damage.0.levels=[nan]", "damage.0.levels.0", "must be a finite number, not nan"),
    ("damage.0.levels=[0, inf]", "damage.0.levels.1", "must be a finite number, not inf"),
    ("damage.0.levels=[]", "damage.0.levels", "the method mult_gauss needs levels: each a number from 0 to 100"),
    ("damage.0.levels=[0.1, 0.5, 0.1]", "damage.0.levels", "level 0.1 is listed twice"),
    ("damage.0.levels=[0.0, -0.0]", "damage.0.levels", "level 0 is listed twice"),
    (
        "damage.0.levels={from=0, to=1, step=3}",
        "damage.0.levels.step",
        "no such key; did you mean 'steps'? Known: from,",
    ),
    ("damage.0.levels={start=0, to=1, steps=3}", "damage.0.levels.start", "there is no such key"),
    ("damage.0.levels={from=0, to=1}", "damage.0.levels.steps", "this key is required: number of levels"),
    ("damage.0.levels={from=0, to=1, steps=1}", "damage.0.levels.steps", "must be at least 2, not 1"),
    ("damage.0.levels={from=0, to=200, steps=3}", "damage.0.levels", "level 200 is not possible"),
    ("damage.0.levels={from=0, to=nan, steps=3}", "damage.0.levels.to", "must be a finite number, not nan"),
    ("damage.0.levels={from=1, to=1, steps=2}", "damage.0.levels", "level 1 is listed twice"),
    ("damage.0.levels={from=0, to=1, steps=3, spacing='log'}", "damage.0.levels.spacing", "Known: linear, geometric"),
    (
        "damage.0.levels={from=0, to=1, steps=3, spacing='geometric'}",
        "damage.0.levels",
        "geometric spacing needs levels above 0, not from 0 to 1",
    ),
    ("damage.0.groups=[]", "damage.0.groups", "the method mult_gauss needs groups: one or more of: attn_only,"),
    ("damage.0.groups=['all', 'all']", "damage.0.groups", "group 'all' is listed twice"),
    ("damage.0.layers=first 3", "damage.0.layers", '\'first 3\' names no layers; layers are written "0-5", "last 4"'),
    ("damage.0.layers=[1, 1]", "damage.0.layers", "[1, 1] names a layer twice"),
    ("damage.0.heads=first 3", "damage.0.heads", '\'first 3\' names no heads; heads are written "0-5", "last 4"'),
    ("damage.0.experts=[1, 1]", "damage.0.experts", "[1, 1] names an expert twice"),
    ("damage.0.experts=0", "damage.0.experts", "experts narrow nothing in attn_only, which has no experts"),
    ("damage.0={method='none', heads=[1]}", "damage.0.heads", "the method none does nothing and takes no heads"),
    ("damage.0={method='none', levels=[1.0]}", "damage.0.levels", "the method none does nothing and takes no levels"),
    (
        "damage.0={method='uni_quant', groups=['all'], levels=[4.5]}",
        "damage.0.levels",
        "a whole number from 2 to 65536",
    ),
    ("damage.0={method='uni_quant', groups=['all'], levels=[1]}", "damage.0.levels", "level 1 is not possible: n,"),
    (
        "damage.0={method='ablation', groups=['all'], levels=[1.01]}",
        "damage.0.levels",
        "level 1.01 is not possible: p,",
    ),
    ("damage=[]", "damage", "needs at least one entry"),
    ("model.names=['petri-1m', 'petri-1m']", "model.names", "model 'petri-1m' is listed twice"),
    ("model.names=['a b']", "model.names.0", "'a b' names no model: give a bundled model (petri-4k,"),
    ("model.names=['a/b/c']", "model.names.0", "'a/b/c' names no model"),
    ("name=a/b", "name", "'a/b' cannot be a name; use up to 64 letters"),
    ("measure.0.context=1", "measure.0.context", "must be at least 2, not 1"),
    ("measure.1.temperature=0", "measure.1.temperature", "must be above 0, not 0"),
    ("measure.1.label=a.b", "measure.1.label", "'a.b' cannot be a label"),
    ("measure.1={name='perplexity'}", "measure.1.label", "another perplexity with the same metrics' names; give it a"),
    ("measure=[{}]", "measure.0.name", "this key is required; one of: perplexity, generation"),
]


@pytest.mark.parametrize(("override", "field", "sentence"), UNKNOWN + WRONG_TYPES + IMPOSSIBLE)
def test_one_sentence_names_file_key_and_what_is_accepted(
    refusal: Refusal, base: Path, override: str, field: str, sentence: str
) -> None:
    error = refusal(override)
    assert error.field == field
    assert str(error).startswith(f"{base} with --set {override}: {field}: ")
    assert sentence in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("name", ["./nowhere", "../models/none", "/nowhere", "~/nowhere-at-all", "weights.gguf"])
def test_a_model_that_looks_like_a_path_must_exist(base: Path, name: str) -> None:
    base.write_text(base.read_text().replace("petri-16k", name))
    with pytest.raises(LesionError, match="there is no model at '/") as caught:
        load(base)
    assert caught.value.field == "model.names.0"
    assert load(base, must_exist=False).model.names[0].startswith("/")


@pytest.mark.parametrize("name", ["x" * 300, "~nobody-of-that-name/x.txt", "a/" + "b" * 300, "."])
def test_names_that_no_file_can_have_are_refused_all_the_same(refusal: Refusal, name: str) -> None:
    assert refusal(f"measure.1.prompts={name}").field == "measure.1.prompts"
    assert refusal(f"measure.0.text={name}").field == "measure.0.text"


def test_numbers_too_large_to_hold_are_refused(refusal: Refusal) -> None:
    assert refusal(f"damage.0.levels=[1{'0' * 400}]").field == "damage.0.levels.0"
    assert refusal(f"seeds.base=1{'0' * 400}").field == "seeds.base"
    assert refusal(f"seeds.base=1{'0' * 5000}").field == "seeds.base"


def test_a_text_file_must_exist(refusal: Refusal) -> None:
    error = refusal("measure.0.text=/nowhere/mine.txt")
    assert "there is no file '/nowhere/mine.txt'; a text is a file or one of: auto, petri, english" in str(error)


def test_layers_narrow_nothing_in_the_embedding(refusal: Refusal) -> None:
    error = refusal("damage.0.groups=['mlp_only', 'embed_only']", "damage.0.layers=3")
    assert error.field == "damage.0.layers"
    assert "layers narrow nothing in embed_only" in str(error)


def test_heads_narrow_nothing_in_the_mlp(refusal: Refusal) -> None:
    error = refusal("damage.0.groups=['attn_q', 'mlp_only']", "damage.0.heads='0-1'")
    assert error.field == "damage.0.heads"
    assert "heads narrow nothing in mlp_only, which has no heads" in str(error)


def test_windows_may_not_leave_tokens_out(refusal: Refusal) -> None:
    error = refusal("measure.0.context=8", "measure.0.stride=8")
    assert error.field == "measure.0.stride"
    assert "must be less than the context, 8, or tokens would be left out, not 8" in str(error)


def test_tables_that_ask_for_the_same_trial_are_refused(base: Path) -> None:
    text = base.read_text().replace("levels = [0.0, 0.5]", 'levels = [0.0, 0.5]\nlayers = "0-1"')
    again = '[[damage]]\nmethod = "mult_gauss"\ngroups = ["mlp_only", "attn_only"]\nlevels = [0.5]\nlayers = [1, 0]\n'
    base.write_text(text + again)
    with pytest.raises(
        LesionError, match=r"mult_gauss on attn_only at level 0.5 is already asked for by damage.0"
    ) as caught:
        load(base)
    assert caught.value.field == "damage.1"


def test_several_mistakes_are_a_line_each_and_the_first_decides(refusal: Refusal) -> None:
    error = refusal("model.dtype=x", "seeds.count=0")
    first, second = str(error).splitlines()
    assert "model.dtype: 'x' is not possible" in first
    assert "seeds.count: must be at least 1" in second
    assert error.field == "model.dtype"


def test_required_keys_say_what_they_are_for() -> None:
    with pytest.raises(LesionError) as caught:
        parse({"name": "x"}, "p.toml", Path())
    assert str(caught.value).splitlines() == [
        "p.toml: model: this key is required: which models, a [model] table with names = [...]",
        "p.toml: damage: this key is required: what is done to them, one [[damage]] table each",
        "p.toml: measure: this key is required: what is observed, one [[measure]] table each",
    ]


def test_a_misspelt_key_comes_before_the_missing_one(base: Path) -> None:
    base.write_text(base.read_text().replace("[model]", "[modle]"))
    with pytest.raises(LesionError) as caught:
        load(base)
    assert caught.value.field == "modle"
    assert "did you mean 'model'?" in str(caught.value).splitlines()[0]


def test_broken_toml_names_file_and_line(base: Path) -> None:
    base.write_text(f'name = "x"\nseeds = 1{"0" * 5000}')
    with pytest.raises(LesionError, match=r"base.toml: this is not TOML: "):
        load(base)
    base.write_text('name = "x"\n[model\n')
    with pytest.raises(LesionError, match=r"base.toml: this is not TOML: .*line 2"):
        load(base)


def test_files_that_cannot_be_profiles(tmp_path: Path, base: Path) -> None:
    with pytest.raises(LesionError, match=r"there is no profile '.*bsae.toml'; did you mean 'base.toml'\?"):
        load(tmp_path / "bsae.toml")
    with pytest.raises(LesionError, match=r"there is no profile '.*'; give the path of a TOML file"):
        load(tmp_path / "nowhere" / "x.toml")
    with pytest.raises(LesionError, match="cannot be read: it is a directory, not a file"):
        load(tmp_path)
    base.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LesionError, match="not a text file in UTF-8"):
        load(base)
