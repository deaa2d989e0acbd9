"""Pydantic's errors as sentences: which key, what is wrong with it, what would be accepted."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from engine.catalog import blame
from engine.errors import LesionError, quoted, shortened, suggestion
from engine.profile.choice import ByName

MOST_SHOWN = 10
"""Faults that one message tells."""

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text in quotes",
    "string_pattern_mismatch": "text of the form {pattern}",
    "bool_type": "true or false",
    "tuple_type": "a list in square brackets",
    "model_type": "a table",
    "dict_type": "a table",
    "model_attributes_type": "a table",
    "greater_than_equal": "at least {ge}",
    "greater_than": "above {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "below {lt}",
}


def fault(problem: LesionError | str) -> PydanticCustomError:
    """What a validator raises so that `problem` reaches the user as it stands. A LesionError's field is the key within
    the value at fault."""
    tail = problem.field if isinstance(problem, LesionError) else None
    return PydanticCustomError("lesion", "{text}", {"text": str(problem), "tail": tail or ""})


def explain(error: ValidationError, root: type[BaseModel]) -> tuple[list[tuple[str, str]], int]:
    """(dotted key, sentence) for the first ten faults that pydantic found in data meant for `root`, in its order, but
    missing keys last: the key beside them is likely the one misspelt. And how many more there are."""
    every = error.errors(include_url=False)
    details = [fault for fault in every if not _follows(fault, every)]
    details.sort(key=lambda fault: fault["type"] == "missing")
    return [_explain(fault, root) for fault in details[:MOST_SHOWN]], len(details[MOST_SHOWN:])


def _follows(details: ErrorDetails, every: list[ErrorDetails]) -> bool:
    """Whether a list seems too short only because an entry of it is at fault."""
    place = details["loc"]
    return details["type"] == "too_short" and any(
        other["loc"][: len(place)] == place and len(other["loc"]) > len(place) for other in every
    )


def _explain(details: ErrorDetails, root: type[BaseModel]) -> tuple[str, str]:
    location, tables, field = _follow(details["loc"], root)
    key = ".".join(shortened(str(part)) for part in location)
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    if kind == "lesion":
        return ".".join(part for part in (key, shortened(context["tail"])) if part), context["text"]
    if kind == "extra_forbidden":
        return key, f"there is no such key{suggestion(str(location[-1]), _keys(tables))}"
    if kind == "missing":
        return key, f"this key is required: {field.description if field else 'a value'}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _explain_tag(key, value, tables)
    if kind == "literal_error":
        known = list(_choices(field.annotation)) if field else []
        return key, f"{show(value)} is not possible here{suggestion(str(value), known)}"
    if kind == "too_short":
        return key, "needs at least one entry"
    if kind == "tuple_type" and len(location) == 1:
        return key, f"must be a list of tables, each opened with [[{key}]], not {show(value)}"
    expected = _EXPECTED.get(kind, "").format(**{name: show(bound) for name, bound in context.items()})
    return key, f"must be {expected}, not {show(value)}" if expected else details["msg"]


def _explain_tag(key: str, entry: Any, tables: list[type[BaseModel]]) -> tuple[str, str]:
    known = [str(table.model_fields["name"].default) for table in tables]
    name = entry.get("name") if isinstance(entry, dict) else None
    if name is None:
        return f"{key}.name", f"this key is required; one of: {', '.join(known)}"
    return f"{key}.name", f"there is no measurement {show(name)}{suggestion(str(name), known)}{blame()}"


def _follow(
    path: tuple[int | str, ...], root: type[BaseModel]
) -> tuple[list[int | str], list[type[BaseModel]], FieldInfo | None]:
    """Walks pydantic's path from `root`: the path as the user writes it (the tag of a union is no part of it), the
    tables that hold or are its end, and the field at its end."""
    location: list[int | str] = []
    tables, field = [root], None
    for position, part in enumerate(path):
        tagged = [table for table in tables if len(tables) > 1 and table.model_fields["name"].default == part]
        if tagged:
            tables = tagged
            continue
        location.append(part)
        if isinstance(part, int):
            continue
        named = [candidate for table in tables if (candidate := _field(table, part))]
        field = named[0] if named else None
        inner = list(_tables_in(field.annotation)) if field else []
        if inner or position + 1 < len(path):
            tables = inner or tables
    return location, tables, field


def _field(table: type[BaseModel], key: str) -> FieldInfo | None:
    for name, field in table.model_fields.items():
        if key == (field.alias or name):
            return field
    return None


def _tables_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for mark in getattr(annotation, "__metadata__", ()):
        if isinstance(mark, ByName):
            yield from mark.tables()
            return
    for part in get_args(annotation):
        yield from _tables_in(part)


def _choices(annotation: Any) -> Iterator[str]:
    """The strings that an annotation made of literals allows."""
    if isinstance(annotation, str):
        yield annotation
    for part in get_args(annotation):
        yield from _choices(part)


def _keys(tables: list[type[BaseModel]]) -> list[str]:
    """Every key of the tables, with those that only a file has (`extends`)."""
    fields = (item for table in tables for item in table.model_fields.items())
    keys = [field.alias or name for name, field in fields if not field.exclude]
    return keys + [key for table in tables for key in getattr(table, "keys_of_files", ())]


def show(value: Any) -> str:
    """A value of a profile as a message quotes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, str):
        return quoted(value)
    return f"{value:.10g}" if isinstance(value, float) else shortened(str(value))
