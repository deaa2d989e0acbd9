"""A profile while it is edited: plain tables, as the TOML file has them, addressed by dotted keys."""

import copy
import re
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path
from typing import Any

from app.console.design.toml_text import edited_text, fresh_text, moved
from engine import files
from engine.errors import LesionError
from engine.profile import Profile, load, merged, parse, to_toml, toml

_WHERE = "profile"
_FAULT = re.compile(rf"(?:{_WHERE}: )?(?:([a-z_]+(?:\.\w+)*): )?(.*)")

_EXAMPLE: dict[str, Any] = {
    "name": "untitled",
    "model": {"names": ["petri-16k"], "dtype": "float32"},
    "damage": [{"method": "mult_gauss", "groups": ["attn_only"], "levels": {"from": 0.0, "to": 1.0, "steps": 5}}],
    "seeds": {"count": 3},
    "measure": [{"name": "perplexity"}],
}

_ADDED: dict[str, dict[str, Any]] = {
    "damage": {"method": "ablation", "groups": ["mlp_only"], "levels": {"from": 0.0, "to": 1.0, "steps": 5}},
    "measure": {"name": "generation"},
}


class Draft:
    """The tables of one profile; only what the user changes is changed, every other key stays as the file has it."""

    def __init__(self, data: dict[str, Any], path: Path | None) -> None:
        self.data = data
        self.path = path
        """The file it came from or was last saved to; None for a new one."""
        self._saved = copy.deepcopy(data) if path else None
        self._text = ""
        """What its file says, to be changed where the draft differs."""
        self._aside: list[tuple[dict[str, Any], dict[str, Any]]] = []
        """Tables, each with what was set aside of it; see `keep_only`."""

    @classmethod
    def example(cls) -> "Draft":
        """A new profile that runs in seconds."""
        return cls(copy.deepcopy(_EXAMPLE), None)

    @classmethod
    def read(cls, path: Path) -> "Draft":
        """The profile in a file, with what it `extends` merged in. A profile with mistakes in it is a draft too.

        Raises LesionError when the file cannot be read or is not TOML.
        """
        try:
            text = toml.text_of(path)
            data = toml.loads(text)
        except (OSError, ValueError):
            load(path)
            raise LesionError(f"{path} cannot be read as a profile.") from None
        draft = cls(merged(path) if "extends" in data else data, path)
        draft._text = text
        return draft

    @property
    def name(self) -> str:
        """The profile's name as typed so far."""
        return str(self.data.get("name", ""))

    @property
    def edited(self) -> bool:
        """Whether it differs from its file."""
        return self.data != self._saved

    def copy(self) -> "Draft":
        """A draft of its own, for a check while this one is edited further."""
        twin = Draft(copy.deepcopy(self.data), self.path)
        twin._saved, twin._text = self._saved, self._text
        return twin

    @property
    def folder(self) -> Path:
        """Where relative paths in it start."""
        return self.path.parent if self.path else Path.cwd()

    def profile(self) -> Profile:
        """What the draft says, checked. Raises LesionError, with `field` where one key is at fault."""
        return parse(self.data, where=_WHERE, folder=self.folder)

    def save(self, path: Path) -> None:
        """Writes it as TOML, whole or not at all: its file's text where that was not changed, relative paths as seen
        from the new place. Raises LesionError when it is not valid or cannot be written."""
        text = self._written(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            files.replace(path, text.encode())
        except OSError as error:
            raise LesionError(f"{path} cannot be written: {error.strerror}; choose another name or folder.") from error
        fresh = Draft.read(path)
        self.data, self.path, self._text, self._saved, self._aside = fresh.data, path, fresh._text, fresh._saved, []

    def _written(self, path: Path) -> str:
        """The text of the file to save: one that reads as exactly this profile."""
        profile = self.profile()
        after = moved(self.data, self.folder, path.parent)
        if self._text and self._saved is not None and path.parent.resolve() == self.folder.resolve():
            text = edited_text(self._text, self._saved, after)
        else:
            text = fresh_text({key: value for key, value in after.items() if key != "extends"})
        return text if _reads_as(text, profile, path.parent) else to_toml(profile)

    def get(self, key: str) -> Any:
        """The value at a dotted key ("damage.0.levels"); None where there is none."""
        node: Any = self.data
        for part in key.split("."):
            node = _step(node, part)
        return node

    def set(self, key: str, value: Any) -> None:
        """Sets the value at a dotted key; None takes the key away, so that its default holds, and with it a table of
        options or of a selection that has nothing else in it."""
        *parents, last = key.split(".")
        if value is None and not isinstance(self.get(".".join(parents)) if parents else self.data, dict):
            return
        node: Any = self.data
        for part, following in pairwise([*parents, last]):
            node = _opened(node, part, following)
        if value is not None:
            node[last] = value
            return
        node.pop(last, None)
        if not node and parents and parents[-1] in ("options", "select"):
            self.set(".".join(parents), None)

    def keep_only(self, key: str, meaningful: Collection[str]) -> None:
        """Of the table at `key` keeps the dotted keys that are `meaningful`, sets the others aside, and brings back
        those of them that were set aside before."""
        table = self.get(key)
        if not isinstance(table, dict):
            return
        aside = self._aside_of(table)
        for name in [name for name in _leaves(table) if name not in meaningful]:
            aside[name] = self.get(f"{key}.{name}")
            self.set(f"{key}.{name}", None)
        for name in [name for name in aside if name in meaningful]:
            value = aside.pop(name)
            if self.get(f"{key}.{name}") is None:
                self.set(f"{key}.{name}", value)

    def _aside_of(self, table: dict[str, Any]) -> dict[str, Any]:
        """What was set aside of this very table: one that came in its place is another."""
        for known, aside in self._aside:
            if known is table:
                return aside
        self._aside.append((table, {}))
        return self._aside[-1][1]

    def tables(self, kind: str) -> list[Any]:
        """The tables of an array: the damages or the measurements."""
        tables = self.data.get(kind)
        return tables if isinstance(tables, list) else []

    def add(self, kind: str) -> int:
        """Adds a damage or a measurement; returns its index."""
        tables = self.data[kind] = self.tables(kind)
        tables.append(copy.deepcopy(_ADDED[kind]))
        return len(tables) - 1

    def remove(self, kind: str, index: int) -> None:
        """Takes a damage or a measurement away, with what was set aside of it."""
        table = self.tables(kind).pop(index)
        self._aside = [(known, aside) for known, aside in self._aside if known is not table]


def _reads_as(text: str, profile: Profile, folder: Path) -> bool:
    try:
        return parse(toml.loads(text), where=_WHERE, folder=folder) == profile
    except (LesionError, ValueError):
        return False


def faults(error: LesionError) -> list[tuple[str, str]]:
    """The mistakes that `Draft.profile` found, one by one: (dotted key or nothing, sentence)."""
    matches = (_FAULT.fullmatch(mistake) for mistake in str(error).splitlines())
    return [(match[1] or "", match[2]) for match in matches if match]


def _leaves(table: dict[str, Any]) -> list[str]:
    """The dotted keys of a damage's values: those of its options and selection one by one."""
    keys: list[str] = []
    for name, value in table.items():
        inner = name in ("options", "select") and isinstance(value, dict)
        keys += [f"{name}.{key}" for key in value] if inner else [name]
    return keys


def _opened(node: Any, part: str, following: str) -> Any:
    """What lies at `part`, where it can hold something at `following`; else a new table in its place."""
    below = _step(node, part)
    if isinstance(below, dict) or (isinstance(below, list) and _is_index(below, following)):
        return below
    node[int(part) if isinstance(node, list) else part] = {}
    return _step(node, part)


def _is_index(entries: list[Any], part: str) -> bool:
    return part.isascii() and part.isdigit() and int(part) < len(entries)


def _step(node: Any, part: str) -> Any:
    if isinstance(node, dict):
        return node.get(part)
    if isinstance(node, list) and _is_index(node, part):
        return node[int(part)]
    return None
