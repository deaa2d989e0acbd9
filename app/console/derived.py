"""Fields made from the schema itself: for every key of a table that the form has no field of its own for."""

from collections.abc import Collection, Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.console.field import Field, flag_choices
from app.console.fieldtext import Kind, show
from app.console.widgets.pick import Choice
from engine.profile.fields import WhichLayers
from engine.profile.layers import Layers

_LABEL = 12


def derived_fields(table: type[BaseModel], at: str, known: Collection[str]) -> tuple[Field, ...]:
    """A field for each key of `table`, which lies at the dotted key `at`, that is none of the `known` dotted keys.

    Arrays of tables and tables of their own are left to their sections.
    """
    found = []
    for name, info in table.model_fields.items():
        key = f"{at}.{info.alias or name}" if at else info.alias or name
        if key not in known and not _is_table(info.annotation):
            found.append(derived(key, info))
    return tuple(found)


def derived(key: str, info: FieldInfo, label: str | None = None) -> Field:
    """The field of one key: its kind and choices from the type, its hint from the description."""
    named = label or key.rpartition(".")[2].replace("_", " ")[:_LABEL]
    kind, choices = _kind(info.annotation), _choices(info.annotation)
    hint = info.description or ""
    default = "none" if info.default is None else show(kind, info.default) if not info.is_required() else ""
    offered = flag_choices if kind == "flag" and not choices else (lambda: choices) if choices else None
    return Field(key, named, kind, f"{hint[:1].upper()}{hint[1:]}.", default, offered)


def _is_table(annotation: Any) -> bool:
    return any(isinstance(one, type) and issubclass(one, BaseModel) for one in _leaves(annotation))


def _kind(annotation: Any) -> Kind:
    """How a value of this type is typed."""
    leaves = set(_leaves(annotation)) - {type(None)}
    origins = set(_origins(annotation))
    if annotation in (Layers, Layers | None, WhichLayers | None):
        return "layers"
    if dict in origins or dict in leaves or (tuple in origins and str in leaves and int in leaves):
        return "toml"
    if tuple in origins:
        return "names" if leaves <= {str} or not leaves else "counts" if int in leaves else "levels"
    for plain, kind in _PLAIN.items():
        if plain in leaves:
            return kind
    return "text"


_PLAIN: dict[type, Kind] = {bool: "flag", float: "number", int: "whole"}


def _choices(annotation: Any) -> tuple[Choice, ...]:
    """The words that a type made of literals allows."""
    words = [word for word in _literals(annotation) if isinstance(word, str)]
    plain = [("yes", ""), ("no", "")] if bool in _leaves(annotation) and words else []
    return tuple([*((word, "") for word in words), *plain])


def _literals(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for part in get_args(annotation):
            yield from _literals(part)


def _leaves(annotation: Any) -> list[type]:
    """The plain types that a type is made of; literals and what annotates them left out."""
    if get_origin(annotation) is Literal:
        return []
    parts = get_args(annotation)
    if parts:
        return [leaf for part in parts for leaf in _leaves(part)]
    return [annotation] if isinstance(annotation, type) else []


def _origins(annotation: Any) -> Iterator[Any]:
    yield get_origin(annotation)
    for part in get_args(annotation):
        yield from _origins(part)
