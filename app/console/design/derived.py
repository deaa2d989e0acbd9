"""Fields made from the schema itself: for every key of a table that the form has no field of its own for."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.console.design.field import Field, choices, flag_choices
from app.console.design.fieldtext import Kind, show
from app.console.shared.pick import Choice
from engine.profile.choice import OneOf
from engine.profile.fields import WhichLayers
from engine.profile.inputs import Input, marks
from engine.profile.layers import Layers
from engine.profile.names import AUTO

_UNSET = "; unset: "
"""In the description of a key, what stands before what holds while it is empty."""


def derived_fields(table: type[BaseModel], at: str, known: Collection[str]) -> tuple[Field, ...]:
    """A field for each key of `table`, which lies at the dotted key `at`, that is none of the `known` dotted keys.

    Arrays of tables and tables of their own are left to their sections.
    """
    fields = []
    for name, info in table.model_fields.items():
        key = f"{at}.{info.alias or name}" if at else info.alias or name
        if key not in known and not _is_table(info.annotation):
            fields.append(derived(key, info))
    return tuple(fields)


def derived(key: str, info: FieldInfo, label: str | None = None) -> Field:
    """The field of one key: its kind and choices from the type, its hint from the description."""
    named = label or info.title or key.rpartition(".")[2].replace("_", " ")
    kind = "prompts" if any(source.several for source in marks(info, Input)) else _kind(info.annotation)
    hint, _, unset = (info.description or "").partition(_UNSET)
    value = None if info.is_required() else info.get_default(call_default_factory=True)
    default = "" if info.is_required() else unset or "none" if value is None else show(kind, value)
    return Field(key, named, kind, f"{hint[:1].upper()}{hint[1:]}.", default, _offered(info, kind))


def _offered(info: FieldInfo, kind: Kind) -> Callable[[], tuple[Choice, ...]] | None:
    """What Enter offers: what is bundled, the names of the catalog, or the words that the type allows."""
    source, names = next(marks(info, Input), None), next(marks(info, OneOf), None)
    if source is not None:
        auto = ((AUTO, f"the {source.noun} that suits the models"),) if source.auto else ()
        return (lambda: (*auto, *choices(source.bundled()))) if source.names else None
    if names is not None:
        return lambda: choices(names.infos())
    words = _words(info.annotation)
    return flag_choices if kind == "flag" and not words else (lambda: words) if words else None


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


def _words(annotation: Any) -> tuple[Choice, ...]:
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
