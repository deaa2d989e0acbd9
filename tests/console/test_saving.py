"""A profile saved from the form: what was not changed stays as it was written, and what is read is what was edited."""

from pathlib import Path

import pytest

from app.console.design.draft import Draft
from app.console.design.profile_list import find_profiles
from engine.profile import load

pytestmark = pytest.mark.usefixtures("unasked")

TEXT = """\
# Why this profile is there.
name = "kept"

[model]
names = ["petri-16k"] # one is enough

[[damage]] # the first
method = "mult_gauss"
groups = ["attn_only"]
levels = { from = 0.0, to = 1.0, steps = 3 } # with the baseline

[[damage]] # the second
method = "uni_quant"
groups = ["mlp_only"]
levels = [16, 4]
options = { per = "channel" }

[seeds]
count = 2 # two

[[measure]]
name = "perplexity"
text = "texts/mine.txt" # my own
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The profile in a file, its text beside it."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "mine.txt").write_text("one\n\ntwo\n")
    file = tmp_path / "kept.toml"
    file.write_text(TEXT)
    return file


def test_saving_what_was_not_edited_changes_no_letter(path: Path) -> None:
    Draft.read(path).save(path)
    assert path.read_text() == TEXT


def test_a_byte_order_mark_before_the_text_is_read_over_and_saved_no_more(path: Path) -> None:
    path.write_text(TEXT, encoding="utf-8-sig")
    assert load(path).name == "kept"
    assert [(file.name, file.fault) for file in find_profiles(path.parent)] == [("kept", False)]
    draft = Draft.read(path)
    assert not draft.edited
    draft.set("seeds.count", 5)
    draft.save(path)
    assert path.read_text(encoding="utf-8") == TEXT.replace("count = 2", "count = 5")


def test_an_edit_changes_its_own_line_alone(path: Path) -> None:
    draft = Draft.read(path)
    draft.set("seeds.count", 5)
    draft.set("damage.0.levels", {"from": 0.0, "to": 2.0, "steps": 3})
    draft.save(path)
    assert path.read_text() == TEXT.replace("count = 2", "count = 5").replace("to = 1.0", "to = 2.0")
    assert not draft.edited
    draft.set("damage.0.select", {"by": "random", "k": 3})
    draft.save(path)
    assert 'select = {by = "random", k = 3}' in path.read_text()
    assert "# my own" in path.read_text()


def test_damages_are_taken_away_and_added_with_the_others_comments_kept(path: Path) -> None:
    draft = Draft.read(path)
    draft.remove("damage", 0)
    draft.add("measure")
    wanted = draft.profile()
    draft.save(path)
    text = path.read_text()
    assert "# the first" not in text
    assert "# the second" in text
    assert "# my own" in text
    assert load(path) == wanted
    assert [one.name for one in load(path).measure] == ["perplexity", "generation"]


def test_elsewhere_a_relative_path_leads_to_the_same_file(path: Path) -> None:
    draft = Draft.read(path)
    wanted = draft.profile()
    elsewhere = path.parent / "deeper" / "copy.toml"
    draft.save(elsewhere)
    assert "../texts/mine.txt" in elsewhere.read_text()
    assert load(elsewhere) == wanted
    assert draft.folder == elsewhere.parent


def test_a_profile_that_extends_another_goes_on_extending_it(path: Path) -> None:
    top = path.parent / "top.toml"
    top.write_text('extends = "kept.toml" # the rest\nname = "top"\n')
    draft = Draft.read(top)
    draft.set("seeds.count", 7)
    draft.set("damage.1.options.per", "tensor")
    wanted = draft.profile()
    draft.save(top)
    assert top.read_text().startswith('extends = "kept.toml" # the rest')
    assert (load(top).seeds.count, load(top).damage[1].options["per"]) == (7, "tensor")
    assert load(top) == wanted


def test_a_new_profile_is_written_as_it_was_typed(tmp_path: Path) -> None:
    draft = Draft.example()
    wanted = draft.profile()
    draft.save(tmp_path / "new.toml")
    text = (tmp_path / "new.toml").read_text()
    assert "levels = {from = 0.0, to = 1.0, steps = 5}" in text
    assert "batch_size" not in text
    assert load(tmp_path / "new.toml") == wanted
