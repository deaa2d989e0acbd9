"""The `options` of a [[damage]]: what its method leaves open, as the method's own table has it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from engine import catalog
from engine.catalog import MethodInfo
from engine.errors import LesionError, quoted, suggestion
from engine.profile.demand import Effort, Training
from engine.profile.faults import explain
from engine.profile.fields import Table
from engine.profile.inputs import inputs_of


class OptionsTable(Table):
    """What all methods' options share. A method names its table by import path, in its MethodInfo; every option has a
    default and a description. One called `batch_size` is halved where memory runs out."""

    is_options_table: ClassVar[bool] = True

    def training(self) -> Training | None:
        """What the method holds in memory where it trains the model; None where it does not."""
        return None

    def effort(self, level: float) -> Effort:
        """What the method has the model compute on its way to a level; nothing where it only changes weights."""
        return Effort(0, 0, 0)

    def content(self, folder: Path) -> dict[str, Any]:
        """By key, what those of its inputs hold that are the user's, as JSON: what counts instead of their names.
        Relative paths start from `folder`. Raises LesionError where one cannot be read."""
        own = {key: kind for key, kind in inputs_of(type(self)).items() if kind.is_own(getattr(self, key))}
        return {key: kind.content(getattr(self, key), folder) for key, kind in own.items()}

    def check_group(self, group: str) -> None:
        """Raises LesionError, with the key of the damage as its field, where these options do not suit a group."""
        return

    def check_first(self, first: bool) -> None:
        """Raises LesionError, with the key of the damage as its field, where they do not suit a damage that is the
        `first` thing done to a model, or is not."""
        return

    def check_codes(self) -> None:
        """Raises LesionError, with the key of the damage as its field, where they do not suit weights stored as
        codes."""
        return


@cache
def table_of(method: MethodInfo) -> type[OptionsTable]:
    """The table of a method's options; an empty one where it has none."""
    if not method.options:
        return OptionsTable
    table: type[OptionsTable] = catalog.load(method.options)
    return table


def typed(method: MethodInfo, options: Mapping[str, Any], *, must_exist: bool = True) -> OptionsTable:
    """The method's table with these options, and the defaults of those that are not given.

    Raises LesionError, with the option in `field`, for one that the method does not have or a value it does not accept;
    `must_exist`: a file that does not exist is one.
    """
    table = table_of(method)
    for name in options:
        if name not in table.model_fields:
            text = f"the method {method.name} has no option {quoted(name)}{suggestion(name, table.model_fields)}"
            raise LesionError(text if table.model_fields else f"the method {method.name} has no options", field=name)
    try:
        return table.model_validate(dict(options), context={"must_exist": must_exist})
    except ValidationError as error:
        ((field, sentence), *_), _ = explain(error, table)
        raise LesionError(sentence, field=field) from None


def complete(method: MethodInfo, options: Mapping[str, Any], *, must_exist: bool = True) -> dict[str, Any]:
    """Every option of the method as plain data, with its default where `options` does not give it. Raises LesionError
    as `typed` does."""
    return typed(method, options, must_exist=must_exist).model_dump(mode="json")


def unusual(method: MethodInfo, options: Mapping[str, Any]) -> dict[str, Any]:
    """The `options` that differ from the method's defaults."""
    usual = complete(method, {}, must_exist=False)
    return {name: value for name, value in options.items() if value != usual[name]}
