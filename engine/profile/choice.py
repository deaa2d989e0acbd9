"""Names of the catalog in a profile, where packages may add some: gathered when a profile is first read."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Union

from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class ByName:
    """Marks a field's type: what is read is the one of `tables()` whose `name` it gives."""

    def __init__(self, tables: Callable[[], tuple[type[BaseModel], ...]]) -> None:
        self.tables = tables

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        union: Any = Union[self.tables()]  # noqa: UP007 - its members are only known now
        by_name: Any = Annotated[union, Field(discriminator="name")]
        return handler.generate_schema(by_name)


class OneOf:
    """Marks the type of a key that gives a name of the catalog, as an editor and the form offer them. Whether it is one
    is for the table to check."""

    def __init__(self, infos: Callable[[], Mapping[str, Any]]) -> None:
        self.infos = infos

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return closed(self.infos())


def closed(infos: Mapping[str, Any]) -> JsonSchemaValue:
    """One of these names; `x-taplo` is where TOML editors look for the summary of each."""
    summaries = [info.summary for info in infos.values()]
    return {"type": "string", "enum": list(infos), "x-taplo": {"docs": {"enumValues": summaries}}}
