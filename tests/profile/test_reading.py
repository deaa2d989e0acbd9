"""What a file, `extends` and `--set` add up to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import LesionError
from engine.measure.generation.table import GenerationMeasure
from engine.measure.perplexity.table import PerplexityMeasure
from engine.petri import SIZES
from engine.profile import Profile, load, parse, to_toml

WithSet = Callable[..., Profile]


def test_defaults(base: Path) -> None:
    profile = load(base)
    assert (profile.seeds.base, profile.seeds.count, profile.seeds.offset) == (42, 1, 0)
    assert (profile.model.dtype, profile.model.device, profile.model.load_in) == ("auto", "auto", "none")
    assert profile.model.allow_pickle is False
    generation = profile.measure[1]
    assert isinstance(generation, GenerationMeasure)
    assert (generation.max_new_tokens, generation.sample, generation.temperature) == (64, True, 1.0)
    assert generation.prompts == ("a", "b")


def test_ranges_are_spread_evenly_and_written_short(with_set: WithSet) -> None:
    profile = with_set("damage.0.levels={from=0.0, to=1.4, steps=15}")
    assert profile.damage[0].levels == (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4)


def test_quantisation_levels_fall_geometrically(with_set: WithSet) -> None:
    profile = with_set("damage.0={method='uni_quant', groups=['all'], levels={from=1024, to=4, steps=9}}")
    assert profile.damage[0].levels == (1024, 512, 256, 128, 64, 32, 16, 8, 4)


def test_spacing_can_be_chosen(with_set: WithSet) -> None:
    quant = "damage.0={method='uni_quant', groups=['all'], levels={from=1024, to=4, steps=3, spacing='linear'}}"
    assert with_set(quant).damage[0].levels == (1024, 514, 4)
    gauss = "damage.0.levels={from=0.01, to=1, steps=3, spacing='geometric'}"
    assert with_set(gauss).damage[0].levels == (0.01, 0.1, 1.0)


@pytest.mark.parametrize(
    ("written", "read"), [('"0-5"', "0-5"), ('" last  4 "', "last 4"), ('"3"', (3,)), ("3", (3,)), ("[3, 1]", (1, 3))]
)
def test_layers_have_one_spelling(with_set: WithSet, written: str, read: object) -> None:
    assert with_set(f"damage.0.layers={written}").damage[0].layers == read


def test_auto_follows_the_models(base: Path) -> None:
    def chosen(models: str) -> tuple[str, int | None, object]:
        profile = load(base, [f"model.names={models}", "measure=[{name='perplexity'}, {name='generation'}]"])
        perplexity, generation = profile.measure
        assert isinstance(perplexity, PerplexityMeasure)
        assert isinstance(generation, GenerationMeasure)
        return perplexity.text, perplexity.documents, generation.prompts

    assert chosen("['petri-16k', 'petri-1m']") == ("petri", 64, "petri")
    assert chosen("['petri-16k', 'gpt2']") == ("english", None, "short")


@pytest.mark.parametrize("name", ["gpt2", "EleutherAI/pythia-70m", "org/a.b_c-1"])
def test_other_names_are_hub_ids(with_set: WithSet, name: str) -> None:
    assert with_set(f"model.names=['{name}']").model.names == (name,)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("pythia:*", "70m 160m 410m 1b 1.4b 2.8b 6.9b 12b"),
        ("['pythia:1*']", "160m 1b 1.4b 12b"),
        ("['pythia:?b', 'pythia:1*']", "1b 160m 1.4b 12b"),
        ("['EleutherAI/pythia-1b', 'pythia:[12]*b']", "1b 1.4b 2.8b 12b"),
    ],
)
def test_families_become_their_members_in_order_of_size(with_set: WithSet, written: str, read: str) -> None:
    names = with_set(f"model.names={written}").model.names
    assert names == tuple(f"EleutherAI/pythia-{size}" for size in read.split())


def test_one_model_needs_no_list(base: Path) -> None:
    base.write_text(base.read_text().replace('["petri-16k"]', '"petri:*"'))
    profile = load(base)
    assert profile.model.names == tuple(SIZES)
    assert isinstance(profile.measure[0], PerplexityMeasure)
    assert profile.measure[0].text == "petri"
    assert 'names = ["petri-4k", "petri-16k", "petri-60k", ' in to_toml(profile)
    base.write_text(base.read_text().replace('"petri:*"', '"./model:1.gguf"'))
    assert load(base, must_exist=False).model.names == (str(base.parent / "model:1.gguf"),)


def test_paths_start_from_the_profiles_folder(base: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "notes.txt").write_text("a b c")
    text = base.read_text().replace('"petri-16k"', '"./model"').replace('text = "petri"', 'text = "notes.txt"')
    base.write_text(text)
    profile = load(base)
    assert profile.model.names == (str(tmp_path / "model"),)
    assert isinstance(profile.measure[0], PerplexityMeasure)
    assert profile.measure[0].text == str(tmp_path / "notes.txt")


def test_paths_in_set_start_from_the_working_directory(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere" / "model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load(base, ["model.names=['./model']"]).model.names == (str(tmp_path / "elsewhere" / "model"),)


def test_extends_merges_tables_and_replaces_arrays(base: Path) -> None:
    child = base.with_name("child.toml")
    child.write_text(
        'extends = "base.toml"\nname = "child"\n[model]\ndtype = "float32"\n[[measure]]\nname = "generation"'
    )
    profile = load(child)
    assert profile.name == "child"
    assert (profile.model.names, profile.model.dtype) == (("petri-16k",), "float32")
    assert [measure.name for measure in profile.measure] == ["generation"]
    assert profile.damage == load(base).damage


def test_extends_through_folders_keeps_each_files_own_paths(base: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a b c")
    base.write_text(base.read_text().replace('text = "petri"', 'text = "./notes.txt"'))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "middle.toml").write_text('extends = "../base.toml"\nname = "middle"')
    (tmp_path / "sub" / "child.toml").write_text('extends = "middle.toml"')
    profile = load(tmp_path / "sub" / "child.toml")
    assert profile.name == "middle"
    assert isinstance(profile.measure[0], PerplexityMeasure)
    assert profile.measure[0].text == str(tmp_path / "notes.txt")


def test_extends_works_on_tables_that_come_from_no_file(base: Path) -> None:
    assert parse({"extends": base.name, "name": "draft"}, "draft", base.parent).name == "draft"


def test_extends_in_a_loop_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "b.toml"')
    (tmp_path / "b.toml").write_text('extends = "a.toml"')
    with pytest.raises(LesionError, match=r"extends itself|a.toml extends b.toml extends a.toml") as caught:
        load(tmp_path / "a.toml")
    assert caught.value.field == "extends"


def test_extends_of_a_missing_file_is_refused(base: Path) -> None:
    child = base.with_name("child.toml")
    child.write_text('extends = "bas.toml"')
    with pytest.raises(
        LesionError, match=r"child.toml: extends: there is no profile '.*bas.toml'; did you mean 'base.t"
    ):
        load(child)
    child.write_text("extends = 3")
    with pytest.raises(LesionError, match=r"child.toml: extends: must be the path of one profile, in quotes"):
        load(child)


def test_a_mistake_in_an_extended_profile_names_both_files(base: Path) -> None:
    child = base.with_name("child.toml")
    base.write_text(base.read_text() + "[seeds]\ncount = 0")
    child.write_text('extends = "base.toml"')
    with pytest.raises(LesionError, match=r"child.toml extending base.toml: seeds.count: must be at least 1, not 0"):
        load(child)


def test_set_reaches_tables_arrays_and_whole_values(with_set: WithSet) -> None:
    profile = with_set(
        "seeds.count=2", "damage.0.levels=[0, 1]", "damage.0.groups.0=mlp_only", "name = other", "run.threads=3"
    )
    assert profile.seeds.count == 2
    assert profile.damage[0].levels == (0, 1)
    assert profile.damage[0].groups == ("mlp_only",)
    assert profile.name == "other"
    assert profile.run.threads == 3


def test_set_takes_what_is_not_toml_as_text(with_set: WithSet) -> None:
    assert with_set("description=one = two").description == "one = two"
    assert with_set("model.device=cuda:1").model.device == "cuda:1"


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("seeds.count", "--set seeds.count: write it as key=value, such as seeds.count=2"),
        ("=2", "write it as key=value"),
        ("damage.1.method=none", "there is no entry '1' in that list; entries are numbered from 0 to 0"),
        ("damage.method=none", "there is no entry 'method' in that list"),
        ("name.x=1", "there is nothing below the value that 'x' should be found in"),
        ("damages.0.method=none", "the profile has no damages to number"),
    ],
)
def test_set_that_leads_nowhere_is_refused(refusal: Callable[..., LesionError], override: str, sentence: str) -> None:
    assert sentence in str(refusal(override))
