"""The profiles that come with Lesion, in a console whose own folder of profiles is another or is not there yet."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.console.app import LesionApp
from app.console.design.profile_list import ProfileList
from engine.finding import shipped_beside
from engine.profile import load
from tests.console.shell import DEMO, field_texts, go_to, opened, shown, type_over, until


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A folder of shipped profiles, of which one extends another."""
    folder = tmp_path / "package" / "profiles"
    (folder / "study").mkdir(parents=True)
    (folder / "demo.toml").write_text(DEMO)
    (folder / "study" / "full.toml").write_text(DEMO.replace('"demo"', '"whole"', 1))
    (folder / "study" / "small.toml").write_text('extends = "full.toml"\nname = "small"\n')
    return folder


def places(pilot: Pilot[None]) -> list[str]:
    return [file.place for file in pilot.app.screen.query_one(ProfileList).files]


async def test_they_are_listed_below_ones_own(tmp_path: Path, shipped: Path) -> None:
    own = tmp_path / "profiles"
    own.mkdir()
    (own / "mine.toml").write_text(DEMO)
    app = LesionApp(tmp_path / "results", own, None, shipped)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: field_texts(pilot))
        assert places(pilot) == [
            "mine.toml",
            "shipped/demo.toml",
            "shipped/study/full.toml",
            "shipped/study/small.toml",
        ]
        assert "shipped/study/" in shown(pilot, "#profiles")


async def test_one_that_is_edited_is_saved_among_ones_own(tmp_path: Path, shipped: Path) -> None:
    before = {path: path.read_bytes() for path in shipped.rglob("*.toml")}
    app = LesionApp(tmp_path / "results", tmp_path / "profiles", None, shipped)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await go_to(pilot, "seeds.count")
        await type_over(pilot, "7")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Save the profile as" in shown(pilot, ".dialog"))
        await pilot.press("enter")
        await until(pilot, lambda: "demo.toml" in places(pilot))
    assert load(tmp_path / "profiles" / "demo.toml").seeds.count == 7
    assert {path: path.read_bytes() for path in shipped.rglob("*.toml")} == before


def test_in_a_checkout_ones_own_are_those_that_are_shipped() -> None:
    root = Path(__file__).parents[2]
    assert shipped_beside(root / "profiles") is None
    assert shipped_beside(root / "elsewhere") == root / "profiles"
