"""From a Profile back to TOML: complete, readable, and enough by itself to repeat a run."""

import os
from pathlib import Path
from typing import Any, TypeVar

from engine import catalog, units
from engine.errors import LesionError
from engine.profile import toml
from engine.profile.content import model_digests
from engine.profile.damage import Damage
from engine.profile.fields import Table
from engine.profile.inputs import inputs_of
from engine.profile.model_spec import ModelDigests, ModelSpec
from engine.profile.names import is_model_path
from engine.profile.schema import Profile
from engine.profile.toml_lines import setting, table

INPUTS = "inputs"
"""The folder of a run directory that holds copies of the user's own texts, prompts and pictures."""

Local = TypeVar("Local", bound=Table)

_CHAIN = ("before", "then")


def resolve(profile: Profile) -> Profile:
    """`profile` with what depends on this host written out: the number of threads, and what the models hold that are
    folders or files.

    Raises LesionError where such a model cannot be read, has other weights than the profile notes, or holds the same as
    another.
    """
    profile = profile.model_copy(update={"model": identified(profile.model)})
    run = profile.run.model_copy(update={"threads": threads(profile)})
    return profile.model_copy(update={"run": run})


def threads(profile: Profile) -> int:
    """CPU threads of a worker: as many as the profile says, else as this process may use."""
    if profile.run.threads is not None:
        return profile.run.threads
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def identified(spec: ModelSpec) -> ModelSpec:
    """`spec` with the digests of its models that are folders or files. Raises LesionError as `resolve` does."""
    digests: dict[str, ModelDigests] = {}
    for name in spec.names:
        if not is_model_path(name) or not (hashes := model_digests(name)):
            continue
        digests[name] = ModelDigests.model_validate(hashes)
        noted = (spec.digests or {}).get(name, digests[name])
        if noted.weights != digests[name].weights:
            other = f"sha256 {digests[name].weights[:12]}…, not {noted.weights[:12]}…"
            text = f"the model at {name} has other weights than the profile notes in model.digests ({other})"
            raise LesionError(f"{text}: give the folder or file that holds those", field="model.names")
        twin = next(one for one in digests if digests[one] == digests[name])
        if twin != name:
            raise LesionError(f"{name} holds the same model as {twin}: one of them is enough", field="model.names")
    return spec.model_copy(update={"digests": digests or None})


def localise(profile: Profile, run_dir: Path) -> Profile:
    """Copies the user's texts, prompts and pictures into `run_dir`/inputs and returns the profile that names the
    copies, relative to `run_dir`: its TOML, lying there, repeats the run wherever the folder goes.

    Files that share a name are told apart by a number. Raises OSError where a copy fails.
    """
    copies: dict[str, str] = {}
    measures = tuple(_localised(measure, run_dir, copies) for measure in profile.measure)
    damage = tuple(_localise_damage(damage, run_dir, copies) for damage in profile.damage)
    return profile.model_copy(update={"measure": measures, "damage": damage})


def to_toml(profile: Profile) -> str:
    """`profile` as TOML, tables in the order of the schema; keys that are unset (None) are left out."""
    plain = profile.model_dump(mode="json", exclude_none=True)
    plain["damage"] = [_plain_damage(damage) for damage in profile.damage]
    head = {key: value for key, value in plain.items() if isinstance(value, str)}
    blocks = ["\n".join(setting(key, value) for key, value in head.items())]
    for key, value in plain.items():
        if isinstance(value, dict):
            blocks.append(table(f"[{key}]", value))
        elif isinstance(value, list):
            blocks.extend(table(f"[[{key}]]", entry) for entry in value)
    return "\n\n".join(blocks) + "\n"


def check_readable(profile: Profile, size: int) -> None:
    """Raises LesionError where `profile`, `size` bytes as TOML, says more than a file that is read back may: a list of
    k is a table each when it is written out."""
    if size > toml.LARGEST_FILE or len(profile.damage) > toml.LONGEST_LIST:
        text = f"written out, this profile has {len(profile.damage):,} damages and {units.size(size)}"
        most = f"{toml.LONGEST_LIST:,} and {units.size(toml.LARGEST_FILE)} are the most"
        raise LesionError(f"{text}; {most}: ask for fewer k, levels or coordinates", field="damage")


def _localised(table: Local, run_dir: Path, copies: dict[str, str]) -> Local:
    """`table` with each key that names something of the user's naming the copy of it."""
    update = {}
    for key, source in inputs_of(type(table)).items():
        value = getattr(table, key)
        if not source.is_own(value):
            continue
        if value not in copies:
            copies[value] = _free_name(Path(value), set(copies.values()))
            source.copy(Path(value), run_dir / copies[value])
        update[key] = copies[value]
    return table.model_copy(update=update)


def _localise_damage(damage: Damage, run_dir: Path, copies: dict[str, str]) -> Damage:
    options = _localised(damage.typed_options, run_dir, copies).model_dump(mode="json")
    select = _localised(damage.select, run_dir, copies) if damage.select else None
    chain = {key: tuple(_localise_damage(stage, run_dir, copies) for stage in getattr(damage, key)) for key in _CHAIN}
    return damage.model_copy(update={"options": options, "select": select, **chain})


def _free_name(source: Path, taken: set[str]) -> str:
    name, number = f"{INPUTS}/{source.name}", 1
    while name in taken:
        number += 1
        name = f"{INPUTS}/{source.stem}-{number}{source.suffix}"
    return name


def _plain_damage(damage: Damage) -> dict[str, Any]:
    plain = damage.model_dump(mode="json", exclude_none=True)
    level = catalog.method(damage.method).level
    if level and level.integer:
        plain["levels"] = [int(value) for value in damage.levels]
    if damage.sought:
        plain["levels"] = damage.sought.model_dump(mode="json", by_alias=True, exclude_none=True)
    if damage.select:
        plain["select"] = damage.select.plain
    plain |= {key: [_plain_damage(stage) for stage in getattr(damage, key)] for key in _CHAIN}
    plain["options"] = {option: value for option, value in damage.options.items() if value is not None}
    return {key: value for key, value in plain.items() if value not in ([], {})}
