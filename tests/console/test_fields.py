"""The form has a field for every key of a profile that means something, and none for one that does not."""

from typing import Literal

import pytest
from pydantic import BaseModel
from pydantic import Field as PydanticField

from app.console.design.damage_fields import follow
from app.console.design.derived import derived_fields
from app.console.design.draft import Draft
from app.console.design.fields import sections
from engine import catalog
from engine.profile import Damage, ModelSpec, RunSpec, Seeds, Select
from engine.profile.fields import Bool, Int, Text
from engine.profile.measures import tables
from engine.profile.options import table_of

TABLES = {table.model_fields["name"].default: table for table in tables()}


def test_every_measurement_of_the_catalog_has_a_table() -> None:
    assert list(TABLES) == list(catalog.measurements())


@pytest.mark.parametrize("name", list(TABLES))
def test_every_key_has_its_field(name: str) -> None:
    draft = Draft({"measure": [{"name": name}]}, None)
    section = next(section for section in sections(draft) if section.kind == "measure")
    assert {field.key.removeprefix("measure.0.") for field in section.fields} == set(TABLES[name].model_fields)


def keys(data: dict[str, object]) -> set[str]:
    """The keys of the form's fields for these tables."""
    return {field.key for section in sections(Draft(data, None)) for field in section.fields}


def test_fields_of_codes_are_there_for_codes_and_where_they_are_set() -> None:
    assert "model.quant_type" not in keys({"model": {"load_in": "8bit"}})
    assert "model.quant_type" in keys({"model": {"quant_type": "fp4"}})


def damage_keys(**damage: object) -> set[str]:
    """Those of a damage."""
    found = keys({"damage": [damage]})
    return {key.removeprefix("damage.0.") for key in found if key.startswith("damage.")}


PLAIN = {"method", "groups", "levels", "layers", "each_layer", "heads", "experts", "before", "then"}


@pytest.mark.parametrize(("at", "table"), [("model", ModelSpec), ("run", RunSpec), ("seeds", Seeds)])
def test_every_key_of_the_other_tables_has_its_field(at: str, table: type[BaseModel]) -> None:
    found = keys({"model": {"load_in": "4bit"}})
    own = set(table.model_fields) - {"digests"}  # which Lesion writes itself, when it makes a run
    assert {f"{at}.{key}" for key in own} == {key for key in found if key.startswith(f"{at}.")}


@pytest.mark.parametrize("name", list(catalog.methods()))
def test_a_damage_has_the_options_of_its_method_and_a_selection_where_it_can_be_confined(name: str) -> None:
    method = catalog.method(name)
    confined = method.elementwise or method.acts_on == "selection"
    wanted = {"method"}
    if name != "none":
        wanted = set(Damage.model_fields) - {"options", "select", "sought"} | {
            f"options.{key}" for key in table_of(method).model_fields
        }
        wanted |= {"select.by"} if confined else set()
    assert damage_keys(method=name) == wanted


@pytest.mark.parametrize(
    ("select", "more"),
    [
        ({"by": "all"}, set()),
        ({"by": "random"}, {"fraction", "k", "scope"}),
        ({"by": "top_k", "score": "magnitude"}, {"fraction", "k", "score", "scope"}),
        ({"by": "coordinates"}, {"coordinates"}),
        ({"by": "all", "k": 3}, {"k"}),  # means nothing, but is there: its mistake needs a place
    ],
)
def test_a_selection_shows_what_applies(select: dict[str, object], more: set[str]) -> None:
    assert damage_keys(method="scale", select=select) - PLAIN == {f"select.{key}" for key in {"by", *more}}


def test_a_score_that_reads_text_or_draws_shows_all_its_keys() -> None:
    found = damage_keys(method="scale", select={"by": "bottom_k", "score": "hutchinson"})
    assert found - PLAIN == {f"select.{key}" for key in set(Select.model_fields) - {"coordinates"}}


def test_what_a_choice_makes_meaningless_is_set_aside_and_comes_back() -> None:
    damage = {"method": "uni_quant", "groups": ["attn_q"], "levels": [4], "options": {"per": "channel"}}
    draft = Draft({"damage": [{**damage, "select": {"by": "top_k", "k": 5, "score": "magnitude"}}]}, None)
    before = Draft(draft.data, None).copy().data

    def choose(key: str, value: str) -> None:
        draft.set(key, value)
        follow(draft, key)

    choose("damage.0.method", "ablation")
    assert draft.get("damage.0.options") is None
    choose("damage.0.select.by", "random")
    assert draft.get("damage.0.select") == {"by": "random", "k": 5}
    choose("damage.0.method", "no")  # on the way to "none"
    assert draft.get("damage.0.levels") == [4]
    choose("damage.0.method", "none")
    assert draft.data == {"damage": [{"method": "none"}]}
    choose("damage.0.method", "uni_quant")
    choose("damage.0.select.by", "top_k")
    assert draft.data == before


def test_a_new_damage_has_nothing_of_one_that_was_removed() -> None:
    draft = Draft({"damage": [{"method": "ablation", "groups": ["attn_q"], "levels": [0.5], "heads": [1]}]}, None)
    for _ in range(50):  # a new table soon lies where the memory of a removed one did
        draft.set("damage.0.method", "none")
        follow(draft, "damage.0.method")
        draft.remove("damage", 0)
        draft.add("damage")
        before = Draft(draft.data, None).copy().data
        for method in ("skip", "none", "ablation"):
            draft.set("damage.0.method", method)
            follow(draft, "damage.0.method")
        assert draft.data == before
        draft.set("damage.0.heads", [1])


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"damage": [1]}, "damage.0.method"),
        ({"damage": [{"select": [1]}]}, "damage.0.select.by"),
        ({"damage": [{"options": "x"}]}, "damage.0.options.per"),
        ({"model": ["a"]}, "model.names"),
        ({"seeds": 3}, "seeds.count"),
    ],
)
def test_a_value_is_typed_where_the_file_has_no_table(data: dict[str, object], key: str) -> None:
    draft = Draft(data, None)
    draft.set(key, "typed")
    assert draft.get(key) == "typed"


def test_emptying_the_last_key_of_a_selection_takes_the_table_away() -> None:
    draft = Draft({"damage": [{"method": "scale"}]}, None)
    draft.set("damage.0.select.by", "random")
    draft.set("damage.0.select.by", None)
    assert draft.data == {"damage": [{"method": "scale"}]}


def test_a_new_key_of_the_schema_gets_a_field_by_itself() -> None:
    class Grown(RunSpec):
        retries: Int = PydanticField(3, description="how often to try")
        speed: Literal["slow", "fast"] = PydanticField("slow", description="how fast")
        careful: Bool = PydanticField(False, description="whether to look twice")
        names: tuple[Text, ...] = PydanticField((), description="who")
        where: Text | None = PydanticField(None, description="where to")

    known = {f"run.{key}" for key in RunSpec.model_fields}
    fields = {field.label: field for field in derived_fields(Grown, "run", known)}
    kinds = {label: field.kind for label, field in fields.items()}
    assert kinds == {"retries": "whole", "speed": "text", "careful": "flag", "names": "names", "where": "text"}
    assert (fields["retries"].default, fields["retries"].hint) == ("3", "How often to try.")
    offered = {label: [name for name, _ in field.choices()] for label, field in fields.items() if field.choices}
    assert (offered["speed"], offered["careful"]) == (["slow", "fast"], ["yes", "no"])
