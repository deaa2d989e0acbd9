"""A method's options and the selection of single weights, worked with real keys at three sizes of terminal."""

from pathlib import Path

import pytest

from app.console.design.save_as import SaveAs
from app.console.shared.pick import Pick
from engine.profile import load
from tests.console.shell import SIZES, field_texts, form, go_to, lab, opened, shown, type_over, until

pytestmark = pytest.mark.usefixtures("unasked")


@pytest.mark.parametrize("size", SIZES)
async def test_a_selection_and_an_option_by_keys_alone(tmp_path: Path, size: tuple[int, int]) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await go_to(pilot, "damage.1.method")
        await type_over(pilot, "bit_flip")
        await until(pilot, lambda: "damage.1.options.bit" in field_texts(pilot))
        await go_to(pilot, "damage.1.options.bit")
        assert "which bits may flip" in shown(pilot, "#form .hint").lower().replace("\n", " ")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Pick))
        await pilot.press(*"expo", "enter")
        await until(pilot, lambda: field_texts(pilot).get("damage.1.options.bit") == "exponent")

        await go_to(pilot, "damage.1.select.by")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Pick))
        await pilot.press(*"top_k", "enter")
        await until(pilot, lambda: "damage.1.select.score" in field_texts(pilot))
        await until(pilot, lambda: "Damage 2: · k" in shown(pilot, "#plan"))  # neither k nor fraction yet
        await go_to(pilot, "damage.1.select.k")
        await type_over(pilot, "5")
        await until(pilot, lambda: "Damage 2: · score" in shown(pilot, "#plan"))
        await go_to(pilot, "damage.1.select.score")
        await type_over(pilot, "magnitude")
        await until(pilot, lambda: "15 trials" in shown(pilot, "#plan"))
        assert "damage.1.select.documents" not in field_texts(pilot)  # magnitude reads no text
        assert not form(pilot).wrong()

        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, SaveAs))
        await type_over(pilot, "mine")
        await pilot.press("enter")
        await until(
            pilot, lambda: app.screen.query("#form") and "mine" in str(app.screen.query_one("#form").border_title)
        )
        damage = load(app.profiles / "mine.toml").damage[1]
        assert (damage.method, damage.options) == ("bit_flip", {"bit": "exponent"})
        assert damage.select is not None
        assert (damage.select.by, damage.select.k, damage.select.score) == ("top_k", 5, "magnitude")


async def test_a_wrong_option_and_a_wrong_selection_are_named_at_their_fields(tmp_path: Path) -> None:
    app = lab(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await go_to(pilot, "damage.1.method")
        await type_over(pilot, "uni_quant")
        await go_to(pilot, "damage.1.levels")
        await type_over(pilot, "16")
        await go_to(pilot, "damage.1.options.per")
        await type_over(pilot, "chanel")
        await go_to(pilot, "damage.1.select.by")
        await type_over(pilot, "random")
        await until(pilot, lambda: "damage.1.select.fraction" in field_texts(pilot))
        await go_to(pilot, "damage.1.select.fraction")
        await type_over(pilot, "2")

        await until(pilot, lambda: set(form(pilot).wrong()) == {"damage.1.options.per", "damage.1.select.fraction"})
        assert "did you mean 'channel'" in " ".join(shown(pilot, "#form").replace("│", " ").split())
