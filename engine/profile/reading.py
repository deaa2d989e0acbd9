"""From a TOML file to a Profile: `extends`, `--set`, paths, and every mistake as a sentence."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine import catalog
from engine.errors import LesionError, quoted, shortened, suggestion
from engine.paths import is_folder
from engine.profile import toml
from engine.profile.faults import explain
from engine.profile.inputs import anchor_all
from engine.profile.measures import tables as measure_tables
from engine.profile.names import anchor, check_path, is_model_path, is_petri
from engine.profile.options import table_of
from engine.profile.overrides import override
from engine.profile.schema import Profile
from engine.profile.selection import Select

LONGEST_CHAIN = 20
"""Profiles of which each extends the next."""


def load(path: Path | str, overrides: Sequence[str] = (), *, must_exist: bool = True) -> Profile:
    """The profile in the file `path`, with "key=value" `overrides` on top; ranges expanded, paths absolute, every
    "auto" that a profile can settle by itself settled.

    `must_exist=False` reads a profile whose models or texts are no longer there, to look at an old run.
    Raises LesionError, one line a mistake, with the dotted key of the first in `field`.
    """
    path = Path(path)
    data, bases = _extended(_read_toml(path, None), path.parent, str(path), (path,))
    where = " extending ".join([str(path), *(base.name for base in bases)])
    for text in overrides:
        override(data, text)
        where += f" with --set {shortened(text)}"
    if overrides:
        _anchor_all(data, Path.cwd())
    return parse(data, where, path.parent, must_exist=must_exist)


def merged(path: Path) -> dict[str, Any]:
    """The tables of a file with those that it extends merged in: as they are written, but for paths, which are
    absolute. Raises LesionError where a file cannot be read; whether the profile is valid is not looked at."""
    return _extended(_read_toml(path, None), path.parent, str(path), (path,))[0]


def parse(data: dict[str, Any], where: str, folder: Path, *, must_exist: bool = True) -> Profile:
    """The profile in `data`, as read from TOML; `where` opens every message, relative paths start from `folder`.

    Raises LesionError as `load` does.
    """
    data, _ = _extended(_copy(data), folder, where, ())
    try:
        profile = Profile.model_validate(data, context={"must_exist": must_exist})
    except ValidationError as error:
        faults, more = explain(error, Profile)
        lines = [f"{where}: {key}: {sentence}" if key else f"{where}: {sentence}" for key, sentence in faults]
        lines += [f"{where}: and {more:,} more"] if more else []
        raise LesionError("\n".join(lines), field=faults[0][0]) from None
    return _settle(profile)


def _settle(profile: Profile) -> Profile:
    """`profile` with "auto" texts and prompts decided by the models' names, and a damage for each of several k."""
    petri = all(is_petri(name) for name in profile.model.names)
    measures = tuple(measure.settled(petri) for measure in profile.measure)
    damage = tuple(one for table in profile.damage for one in table.separate())
    return profile.model_copy(update={"measure": measures, "damage": damage})


def _extended(
    data: dict[str, Any], folder: Path, where: str, chain: tuple[Path, ...]
) -> tuple[dict[str, Any], list[Path]]:
    """`data` on top of the profile that it extends, paths absolute, and the files it was built on, nearest first.

    `chain` holds the files that led here, so that a loop is seen.
    """
    _anchor_all(data, folder)
    if "extends" not in data:
        return data, []
    base = data.pop("extends")
    if not isinstance(base, str) or not base:
        raise LesionError(f"{where}: extends: must be the path of one profile, in quotes", field="extends")
    path = _base(base, folder, where, chain)
    below, bases = _extended(_read_toml(path, where), path.parent, str(path), (*chain, path))
    return _merge(below, data), [path, *bases]


def _base(name: str, folder: Path, where: str, chain: tuple[Path, ...]) -> Path:
    """The file that `name` means. Raises LesionError where the files that led here go round in a circle, or on and
    on."""
    try:
        check_path(name)
    except LesionError as error:
        raise LesionError(f"{where}: extends: {error}", field="extends") from None
    path = Path(anchor(name, folder))
    if os.path.realpath(path) in map(os.path.realpath, chain):
        loop = " extends ".join(shortened(link.name) for link in (*chain, path))
        raise LesionError(f"{where}: extends: a profile cannot extend itself: {loop}", field="extends")
    if len(chain) > LONGEST_CHAIN:
        text = f"more than {LONGEST_CHAIN} profiles extend one another: put some of them together"
        raise LesionError(f"{where}: extends: {text}", field="extends")
    return path


def _read_toml(path: Path, extended_by: str | None) -> dict[str, Any]:
    origin = f"{extended_by}: extends: " if extended_by else ""
    field = "extends" if extended_by else None
    try:
        return toml.loads(toml.text_of(path))
    except FileNotFoundError:
        beside = sorted(file.name for file in path.parent.glob("*.toml")) if is_folder(path.parent) else []
        hint = suggestion(path.name, beside) if beside else "; give the path of a TOML file"
        raise LesionError(f"{origin}there is no profile {quoted(path)}{hint}", field=field) from None
    except ValueError as error:
        raise LesionError(f"{path}: {error}", field=field) from None
    except OSError as error:
        raise LesionError(f"{origin}{quoted(path)} cannot be read: {error.strerror}", field=field) from None


def _merge(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """`top` over `base`: tables merge key by key, anything else (arrays, too) replaces."""
    merged = dict(base)
    for key, value in top.items():
        both_tables = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _merge(base[key], value) if both_tables else value
    return merged


def _anchor_all(data: dict[str, Any], folder: Path) -> None:
    """Makes the paths in `data` absolute, in place. What has the wrong type is left for validation to report."""
    model = data.get("model")
    names = model.get("names") if isinstance(model, dict) else None
    names = [names] if isinstance(names, str) else names
    if isinstance(model, dict) and isinstance(names, list):
        model["names"] = [
            anchor(name, folder) if isinstance(name, str) and is_model_path(name) else name for name in names
        ]
    if isinstance(model, dict) and isinstance(digests := model.get("digests"), dict):
        model["digests"] = {anchor(name, folder): noted for name, noted in digests.items()}
    damages = _tables(data, "damage")
    stages = [stage for damage in damages for key in ("before", "then") for stage in _tables(damage, key)]
    for damage in (*damages, *stages):
        if isinstance(select := damage.get("select"), dict):
            anchor_all(Select, select, folder)
        if isinstance(options := damage.get("options"), dict) and damage.get("method") in catalog.methods():
            anchor_all(table_of(catalog.method(damage["method"])), options, folder)
    known = {table.model_fields["name"].default: table for table in measure_tables()}
    for measure in _tables(data, "measure"):
        if isinstance(name := measure.get("name"), str) and name in known:
            anchor_all(known[name], measure, folder)


def _tables(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    listed = data.get(key)
    return [table for table in listed if isinstance(table, dict)] if isinstance(listed, list) else []


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value
