"""A profile's text after an edit: what was not changed stays as it was written, comments and order included."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.profile.names import is_file_name, is_model_path

if TYPE_CHECKING:
    from collections.abc import Callable

_WIDTH = 100


def edited_text(text: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    """`text` with the difference between two states of its tables made in it.

    `before` is what the text says, with what it `extends` merged in; what differs is written into the text itself.
    """
    import tomlkit

    document = tomlkit.parse(text)
    _change(document, before, after)
    return tomlkit.dumps(document)


def fresh_text(tables: dict[str, Any]) -> str:
    """Tables as the text of a new file: ranges, options and selections on one line."""
    import tomlkit

    document = tomlkit.document()
    _change(document, {}, tables)
    return tomlkit.dumps(document)


def moved(tables: dict[str, Any], old: Path, new: Path) -> dict[str, Any]:
    """`tables` with their relative paths, which start from the folder `old`, written as seen from the folder `new`."""

    def again(text: str) -> str:
        if not _is_relative(text, old):
            return text
        path = os.path.relpath(old / text, new)
        return path if path.startswith(".") else f"./{path}"

    return tables if old.resolve() == new.resolve() else _each_text(tables, again)


def _is_relative(text: str, folder: Path) -> bool:
    """Whether a value is a relative path: spelt like one, and something is there."""
    spelt = is_model_path(text) or is_file_name(text)
    try:
        return spelt and not text.startswith(("/", "~")) and (folder / text).exists()
    except OSError:
        return False


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(inner, change) for key, inner in value.items()}
    return [_each_text(inner, change) for inner in value] if isinstance(value, list) else value


def _change(node: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Makes in a table of the document what changed from `before` to `after`."""
    for key in [key for key in before if key not in after and key in node]:
        del node[key]
    for key, value in after.items():
        old = before.get(key)
        if key in before and old == value:
            continue
        if isinstance(value, dict) and isinstance(old, dict) and key in node:
            _change(node[key], old, value)
        elif isinstance(old, list) and _are_tables(value) and _are_tables(old) and key in node:
            _change_array(node, key, old, value)
        else:
            node[key] = _item(value, key)


def _change_array(node: Any, key: str, before: list[Any], after: list[Any]) -> None:
    """Changes, adds or takes away tables of an array; those alike at its beginning and end stay untouched."""
    array = node[key]
    if len(array) != len(before):  # the file says less than it extends
        node[key] = _item(after, key)
        return
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    common = min(len(before), len(after)) - start - end
    for index in range(start, start + common):
        _change(array[index], before[index], after[index])
    for _ in range(len(before) - start - common - end):
        del array[start + common]
    for offset, value in enumerate(after[start + common : len(after) - end]):
        array.insert(start + common + offset, _table(value))


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)


def _item(value: Any, key: str) -> Any:
    """A value at the top of a table: [table], [[tables]], or on one line."""
    import tomlkit

    if _are_tables(value) and key in ("damage", "measure"):
        tables = tomlkit.aot()
        for entry in value:
            tables.append(_table(entry))
        return tables
    if isinstance(value, dict) and key in ("model", "seeds", "run", "analysis"):
        return _table(value)
    return _inline(value)


def _table(value: dict[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.table()
    for key, inner in value.items():
        table[key] = _inline(inner)
    return table


def _inline(value: Any) -> Any:
    import tomlkit

    if isinstance(value, dict):
        table = tomlkit.inline_table()
        for key, inner in value.items():
            table[key] = _inline(inner)
        return table
    if isinstance(value, list):
        array = tomlkit.array()
        for inner in value:
            array.append(_inline(inner))
        return array.multiline(len(str(value)) > _WIDTH)
    return tomlkit.item(value)
