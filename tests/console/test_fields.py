"""The form has a field for every key that a measurement takes."""

import pytest

from app.console.draft import Draft
from app.console.fields import sections
from engine import catalog
from engine.profile.measures import tables

TABLES = {table.model_fields["name"].default: table for table in tables()}


def test_every_measurement_of_the_catalog_has_a_table() -> None:
    assert list(TABLES) == list(catalog.measurements())


@pytest.mark.parametrize("name", list(TABLES))
def test_every_key_has_its_field(name: str) -> None:
    draft = Draft({"measure": [{"name": name}]}, None)
    section = next(section for section in sections(draft) if section.kind == "measure")
    assert {field.key.removeprefix("measure.0.") for field in section.fields} == set(TABLES[name].model_fields)
