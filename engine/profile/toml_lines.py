"""TOML as Lesion writes it: a key a line, short lists and all tables within others on one."""

import re
from typing import Any

import tomli_w

_WIDTH = 100
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_DOTTED = re.compile(r"[A-Za-z0-9_.-]+")


def table(header: str, entries: dict[str, Any]) -> str:
    """A table under its header, without a newline at its end."""
    return "\n".join([header, *(setting(key, value) for key, value in entries.items())])


def setting(key: str, value: Any) -> str:
    """One key as `key = value`, dotted as --set takes it and in quotes where it is a path.

    A list stays on its line while it is short; a table always does, as TOML wants it. Raises TypeError for what TOML
    cannot say.
    """
    key = key if _DOTTED.fullmatch(key) else _value(key)
    if not isinstance(value, list):
        return f"{key} = {_value(value)}"
    entries = [_value(entry) for entry in value]
    line = f"{key} = [{', '.join(entries)}]"
    return line if len(line) <= _WIDTH else "\n".join([f"{key} = [", *(f"    {entry}," for entry in entries), "]"])


def on_one_line(value: Any) -> str:
    """A value on one line, however long. Raises TypeError for what TOML cannot say."""
    if isinstance(value, dict):
        named = ((key if _BARE.fullmatch(key) else _value(key), inner) for key, inner in value.items())
        return f"{{ {', '.join(f'{key} = {on_one_line(inner)}' for key, inner in named)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(on_one_line, value))}]"
    return _value(value)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(setting(inner, entry) for inner, entry in value.items())} }}"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").rstrip("\n")
