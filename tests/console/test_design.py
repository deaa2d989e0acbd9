"""The Design screen, worked with real keys at three sizes of terminal."""

import tomllib
from pathlib import Path

import pytest
from textual.widgets import Input

from app.console.browse.trial_table import TrialTable
from app.console.design.draft import Draft
from app.console.design.profile_list import ProfileList
from app.console.design.save_as import SaveAs
from app.console.shared.chart_pane import Plot
from app.console.shared.pick import Pick, Tick
from engine.profile import load, trials
from engine.runs import status
from tests.console.shell import SIZES, field_texts, folders, form, go_to, lab, opened, shown, type_over, until

pytestmark = pytest.mark.usefixtures("unasked")


@pytest.mark.parametrize("size", SIZES)
async def test_a_wrong_value_is_named_beside_its_field_and_the_plan_follows_when_it_is_right(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        # 1 baseline + 2 groups × 3 levels × 2 seeds + 1 group × 1 level × 2 seeds
        await until(pilot, lambda: "15 trials" in shown(pilot, "#plan"))

        await go_to(pilot, "damage.1.levels")
        await type_over(pilot, "0.5, 7")
        await until(pilot, lambda: "✗ Damage 2: levels" in shown(pilot, "#plan"))
        assert form(pilot).wrong() == ["damage.1.levels"]
        assert "level 7" in shown(pilot, "#form").replace("\n", " ")
        assert "probability" in shown(pilot, "#form .hint")

        await type_over(pilot, "0.5, 0.7")
        await until(pilot, lambda: "17 trials" in shown(pilot, "#plan"))
        assert not form(pilot).wrong()


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_is_cut_off_at_the_edges(tmp_path: Path, size: tuple[int, int]) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        screen = app.screen.region
        for selector in ("#profiles", "#form", "#plan", "#form .hint", "Masthead", "KeyBar"):
            region = app.screen.query_one(selector).region
            assert region.area > 0
            assert screen.contains_region(region)
        await until(pilot, lambda: "Help" in shown(pilot, "KeyBar"))
        await pilot.press("escape", "question_mark")
        await until(pilot, lambda: app.screen.query(".dialog"))
        assert screen.contains_region(app.screen.query_one(".dialog").region)


async def test_a_million_trials_are_counted_without_listing_them(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await go_to(pilot, "seeds.count")
        await type_over(pilot, "100000")
        await until(pilot, lambda: "700,001 trials" in shown(pilot, "#plan"))


async def test_the_plan_counts_what_the_grid_lists(tmp_path: Path) -> None:
    from app.console.design.plan import total

    _, profiles = folders(tmp_path)
    profile = load(profiles / "demo.toml", ['model.names=["petri-16k", "petri-60k"]'])
    assert total(profile) == len(trials(profile)) == 30
    drawn = load(profiles / "demo.toml", ['measure=[{name = "generation"}]'])
    assert total(drawn) == len(trials(drawn)) == 16
    scan = load(profiles / "demo.toml", ["damage.0.each_layer='0-2'"])
    assert total(scan) == len(trials(scan)) == 1 + 2 * (3 * 2 * 3 + 1)


async def test_save_as_a_new_file_that_loads_as_what_was_typed(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await type_over(pilot, "mine")
        await go_to(pilot, "damage.0.levels")
        await type_over(pilot, "0 to 2 in 5 steps")
        await go_to(pilot, "damage.1.layers")
        await go_to(pilot, "damage.1.groups")
        await type_over(pilot, "attn_q")
        await go_to(pilot, "damage.1.layers")
        await type_over(pilot, "0, 1")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, SaveAs))
        await type_over(pilot, "own/mine")
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, SaveAs))

        saved = load(app.profiles / "own" / "mine.toml")
        assert saved.name == "mine"
        assert saved.damage[0].levels == (0.0, 0.5, 1.0, 1.5, 2.0)
        assert saved.damage[1].groups == ("attn_q",)
        assert saved.damage[1].layers == (0, 1)
        assert saved.seeds.count == 2
        assert load(app.profiles / "demo.toml").name == "demo"
        listed = app.screen.query_one(ProfileList)
        await until(pilot, lambda: "own" in str([file.path for file in listed.files]))
        assert app.screen.query_one("#form").border_title == "Profile: mine.toml"


async def test_a_file_that_is_there_is_replaced_only_on_a_second_enter(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        before = (app.profiles / "demo.toml").read_text()
        await type_over(pilot, "other")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, SaveAs))
        assert app.screen.query_one(Input).value == "demo.toml"
        await pilot.press("enter")
        await until(pilot, lambda: "already there" in shown(pilot, ".answer"))
        assert (app.profiles / "demo.toml").read_text() == before
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, SaveAs))
        assert load(app.profiles / "demo.toml").name == "other"


@pytest.mark.parametrize("name", ["", "../outside", "own/"])
async def test_a_file_name_that_will_not_do_is_refused_in_the_dialog(tmp_path: Path, name: str) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, SaveAs))
        await type_over(pilot, name)
        await pilot.press("enter")
        await until(pilot, lambda: "my-study" in shown(pilot, ".answer"))
        assert sorted(path.name for path in tmp_path.rglob("*.toml")) == ["demo.toml", "trap.toml"]


async def test_choosing_from_lists_instead_of_typing(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await go_to(pilot, "damage.0.groups")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Tick))
        await pilot.press("down", "down", "space", "enter")
        await until(pilot, lambda: field_texts(pilot).get("damage.0.groups") == "attn_only, mlp_only, embed_only")

        await go_to(pilot, "measure.0.name")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Pick))
        await pilot.press(*"gener", "enter")
        await until(pilot, lambda: "measure.0.temperature" in field_texts(pilot))
        assert "measure.0.stride" not in field_texts(pilot)


async def test_adding_and_removing_damages_and_measurements(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "damage.2.method" in field_texts(pilot))
        await until(pilot, lambda: "25 trials" in shown(pilot, "#plan"))
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "damage.2.method" not in field_texts(pilot))
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "damage.1.method" not in field_texts(pilot))
        await pilot.press("ctrl+t")
        await pilot.pause()
        assert "damage.0.method" in field_texts(pilot)
        await go_to(pilot, "measure.0.name")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "measure.1.prompts" in field_texts(pilot))


async def test_text_from_a_profile_is_drawn_as_it_is_and_without_escape_codes(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(200, 60)) as pilot:
        await until(pilot, lambda: field_texts(pilot))
        await pilot.press("down")
        await until(pilot, lambda: field_texts(pilot).get("name") == "trap")
        await until(pilot, lambda: "About" not in shown(pilot, "#plan") and "✗ Models: models" in shown(pilot, "#plan"))
        assert "[bold red]not markup[/]" in shown(pilot, "#profiles")
        assert field_texts(pilot)["description"] == "[bold red]not markup[/] ␛[31mnot an escape [/nor this"
        assert "\x1b" not in "".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_edits_are_kept_while_another_profile_is_looked_at_and_leaving_asks(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await type_over(pilot, "edited")
        await pilot.press("escape", "down")
        await until(pilot, lambda: field_texts(pilot).get("name") == "trap")
        await pilot.press("up")
        await until(pilot, lambda: field_texts(pilot).get("name") == "edited")
        assert "demo ●" in shown(pilot, "#profiles")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app.screen.query("Ask .question"))
        assert "edited" in shown(pilot, ".question")
        await pilot.press("n")
        await until(pilot, lambda: not app.screen.query(".question"))


def test_an_untouched_draft_says_what_the_file_says(tmp_path: Path) -> None:
    _, profiles = folders(tmp_path)
    draft = Draft.read(profiles / "demo.toml")
    assert not draft.edited
    assert draft.data == tomllib.loads((profiles / "demo.toml").read_text())
    assert draft.profile() == load(profiles / "demo.toml")
    draft.set("seeds.offset", 3)
    assert draft.edited
    assert draft.profile().seeds.offset == 3
    draft.set("seeds.offset", None)
    assert not draft.edited


async def test_from_design_to_a_run_to_live_to_browse(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await type_over(pilot, "quick")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.current_mode == "live")
        assert app.open_run is not None
        run = app.open_run
        assert run.parent == app.results
        assert load(run / "profile.toml").name == "quick"
        await until(pilot, lambda: status(run).state == "done")
        assert status(run).ok == 15
        await until(pilot, lambda: "✓ done" in shown(pilot, "Banner"))
        await until(pilot, lambda: "dose–response · perplexity" in shown(pilot, "#chart"))
        await pilot.press("b")
        await until(pilot, lambda: app.screen.query(TrialTable) and isinstance(app.focused, TrialTable))
        await pilot.press("down", "down", "down", "enter")
        await until(pilot, lambda: "perplexity" in shown(pilot, "#metrics"))
        assert "mult_gauss σ 1 · attn_only" in shown(pilot, "#detail")
        await pilot.press("escape", "c")
        await until(pilot, lambda: app.screen.query_one(Plot).drawing.chart)
        assert "mult_gauss" in shown(pilot, "#chart")


async def test_a_run_that_cannot_be_written_is_told_and_the_form_stays(tmp_path: Path) -> None:
    app = lab(tmp_path)
    app.results = tmp_path / "profiles" / "demo.toml"
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "demo.toml" in str([toast.message for toast in app._notifications]))
        assert app.current_mode == "design"
        assert field_texts(pilot)["name"] == "demo"


async def test_a_profile_with_mistakes_does_not_run_and_the_focus_goes_to_the_first(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await go_to(pilot, "model.dtype")
        await type_over(pilot, "float33")
        await pilot.press("escape", "f5")
        await until(pilot, lambda: app.focused is form(pilot) and form(pilot).editor.text == "float33")
        assert not app.results.exists()
