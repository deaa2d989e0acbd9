"""Tables of which an entry is one by its `name`, where packages may add some: gathered when a profile is first read."""

from collections.abc import Callable
from typing import Annotated, Any, Union

from pydantic import BaseModel, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema


class ByName:
    """Marks a field's type: what is read is the one of `tables()` whose `name` it gives."""

    def __init__(self, tables: Callable[[], tuple[type[BaseModel], ...]]) -> None:
        self.tables = tables

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        union: Any = Union[self.tables()]  # noqa: UP007 - its members are only known now
        by_name: Any = Annotated[union, Field(discriminator="name")]
        return handler.generate_schema(by_name)
