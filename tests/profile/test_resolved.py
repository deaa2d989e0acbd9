"""The resolved copy: complete, readable, and the same experiment when it is read back, wherever it lies."""

import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.measure.perplexity.table import PerplexityMeasure
from engine.profile import Profile, load, localise, parse, resolve, to_toml, trials

COMPLETE = """\
name = "base"
description = ""

[model]
names = ["petri-16k"]
dtype = "auto"
device = "auto"
load_in = "none"
allow_pickle = false
fit = false

[[damage]]
method = "mult_gauss"
groups = ["attn_only"]
levels = [0.0, 0.5]

[seeds]
base = 42
count = 1
offset = 0

[[measure]]
name = "perplexity"
text = "petri"
documents = 2
batch_size = 16

[[measure]]
name = "generation"
prompts = ["a", "b"]
max_new_tokens = 64
sample = true
temperature = 1.0
batch_size = 40
chat = "auto"

[run]
threads = 3
reuse = true
attempts = 2
start_seconds = 600.0
limit = 1000000

[analysis]
metrics = []
models = []
relative = false
absolute = false
filter_method = "none"
filter_iqr_multiplier = 1.5
filter_zscore_threshold = 3.0
confidence = 0.95
bootstrap_seed = 0
weighted = false
references = []
pool = false
report = true
"""


def test_everything_defaulted_is_written_out(with_set: Callable[..., Profile]) -> None:
    assert to_toml(resolve(with_set("run.threads=3"))) == COMPLETE


def test_threads_are_resolved_to_this_host(base: Path) -> None:
    threads = resolve(load(base)).run.threads
    assert threads is not None
    assert threads >= 1


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["damage.0={method='uni_quant', groups=['mlp_only'], levels={from=1024, to=4, steps=9}, layers='last 2'}"],
        ["damage.0={method='mult_gauss', groups=['all'], levels={from=0, to=0.7, steps=8}, layers=[2, 0]}"],
        ["damage=[{method='none'}]", "seeds.count=3", "model.revision=main"],
        ["measure.0.context=32", "measure.0.stride=8", "measure.0.label=long", "measure.1.chat=false"],
        ['measure.1.prompts=["say \\"hi\\"", "two\\nlines", "ünïcode ] ,"]', "measure.1.sample=false"],
        [f"measure.1.prompts={[f'prompt number {i}' for i in range(30)]}"],
    ],
)
def test_read_back_it_is_the_same_profile(base: Path, overrides: list[str]) -> None:
    profile = resolve(load(base, overrides))
    again = parse(tomllib.loads(to_toml(profile)), "again", Path("/nowhere"))
    assert again == profile
    assert trials(again) == trials(profile)
    assert to_toml(again) == to_toml(profile)


def test_levels_are_written_as_a_person_would(base: Path) -> None:
    text = to_toml(load(base, ["damage.0.levels={from=0.0, to=0.7, steps=8}"]))
    assert "levels = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]\n" in text
    quant = "damage.0={method='uni_quant', groups=['all'], levels={from=16, to=4, steps=3}}"
    assert "levels = [16, 8, 4]\n" in to_toml(load(base, [quant]))


@pytest.fixture
def own_files(base: Path) -> Profile:
    """A profile that measures on two files of the same name and asks prompts of its own."""
    folder = base.parent
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    (folder / "a" / "notes.txt").write_text("first\n\nsecond")
    (folder / "b" / "notes.txt").write_text("third")
    (folder / "asks.txt").write_text("one?\ntwo?")
    measures = (
        "measure=[{name='perplexity', text='a/notes.txt'}, {name='perplexity', text='b/notes.txt', label='b'}, "
        "{name='generation', prompts='asks.txt'}]"
    )
    base.write_text(base.read_text().split("[[measure]]")[0] + _as_tables(measures))
    return load(base)


def _as_tables(measures: str) -> str:
    entries = tomllib.loads(measures)["measure"]
    return "\n".join("\n".join(["[[measure]]", *(f'{key} = "{entry[key]}"' for key in entry)]) for entry in entries)


def test_a_run_directory_holds_copies_and_can_move(own_files: Profile, tmp_path: Path) -> None:
    run = tmp_path / "run"
    local = localise(own_files, run)
    named = [measure.text for measure in local.measure if isinstance(measure, PerplexityMeasure)]
    assert named == ["inputs/notes.txt", "inputs/notes-2.txt"]
    assert (run / "inputs" / "notes-2.txt").read_text() == "third"
    assert (run / "inputs" / "asks.txt").read_text() == "one?\ntwo?"
    (run / "profile.toml").write_text(to_toml(local))

    expected = trials(own_files)
    shutil.rmtree(tmp_path / "a")
    moved = tmp_path / "moved"
    run.rename(moved)
    assert trials(load(moved / "profile.toml")) == expected
    assert trials(local, moved) == expected


def test_nothing_is_copied_for_bundled_texts(base: Path, tmp_path: Path) -> None:
    profile = load(base)
    assert localise(profile, tmp_path / "run") == profile
    assert not (tmp_path / "run").exists()
