"""The `options` of a [[damage]]: what its method leaves open, as the method's own table has it."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from pydantic import ValidationError

from engine import catalog
from engine.catalog import MethodInfo
from engine.errors import LesionError, quoted, suggestion
from engine.profile.faults import explain
from engine.profile.fields import Table


class OptionsTable(Table):
    """What all methods' options share. A method names its table by import path, in its MethodInfo; every option has a
    default and a description. One called `batch_size` is halved where memory runs out."""

    is_options_table: ClassVar[bool] = True


@cache
def table_of(method: MethodInfo) -> type[OptionsTable]:
    """The table of a method's options; an empty one where it has none."""
    if not method.options:
        return OptionsTable
    table: type[OptionsTable] = catalog.load(method.options)
    return table


def complete(method: MethodInfo, options: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of the method as plain data, with its default where `options` does not give it.

    Raises LesionError, with the option in `field`, for one that the method does not have or a value it does not accept.
    """
    table = table_of(method)
    for name in options:
        if name not in table.model_fields:
            text = f"the method {method.name} has no option {quoted(name)}{suggestion(name, table.model_fields)}"
            raise LesionError(text if table.model_fields else f"the method {method.name} has no options", field=name)
    try:
        return table.model_validate(dict(options)).model_dump(mode="json")
    except ValidationError as error:
        ((field, sentence), *_), _ = explain(error, table)
        raise LesionError(sentence, field=field) from None


def unusual(method: MethodInfo, options: Mapping[str, Any]) -> dict[str, Any]:
    """The `options` that differ from the method's defaults."""
    usual = complete(method, {})
    return {name: value for name, value in options.items() if value != usual[name]}
