"""The profile of an imported run: what was tried, as far as its files tell. It can be read, and cannot be run."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engine import catalog
from engine.catalog.infos import MethodInfo
from engine.errors import LesionError
from engine.harmless import utf8
from engine.profile import parse
from engine.profile.options import table_of
from engine.profile.toml_lines import setting, table
from engine.record.trials import StageRecord, TrialRecord
from engine.runs.importing.found import Found

_HEAD = """# Imported by lesion import: what was tried, as far as the files told. It can be read, and cannot be run.
"""
_MOST_SEEDS = 100_000
_LARGEST_SEED = 2**31 - 1
_LIMIT = 10**9
_NOWHERE = Path()


def profile_name(text: str) -> str:
    """`text` as the name of a profile: letters, digits, dots, dashes and underscores."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("._-")[:64] or "imported"


def profile_text(found: Found) -> str:
    """The TOML of an imported run. Raises LesionError where it names a model as no profile can."""
    tables = _tables(found)
    try:
        parse(tables, "profile.toml", found.tree.path, must_exist=False)
    except LesionError as error:
        first = str(error).partition("\n")[0].removeprefix("profile.toml: ")
        raise LesionError(f"{found.tree.path} cannot be imported, as no profile can say {first}") from None
    head = {key: value for key, value in tables.items() if isinstance(value, str)}
    blocks = [_HEAD + "\n".join(setting(key, value) for key, value in head.items())]
    for key, value in tables.items():
        if isinstance(value, dict):
            blocks.append(table(f"[{key}]", value))
        elif isinstance(value, list):
            blocks += [table(f"[[{key}]]", entry) for entry in value]
    return "\n\n".join(blocks) + "\n"


def _tables(found: Found) -> dict[str, Any]:
    models = list(dict.fromkeys(record.model for record in found.trials))
    seeds = sorted({record.seed for record in found.trials})
    tables: dict[str, Any] = {
        "name": profile_name(found.name),
        "description": utf8(found.description),
        "model": {"names": models, **found.model},
        "damage": _damages(found.trials) or [{"method": "none"}],
    }
    if seeds[0] >= 0 and seeds[-1] <= _LARGEST_SEED and len(seeds) <= _MOST_SEEDS:
        tables["seeds"] = {"base": seeds[0], "count": len(seeds)}
    return tables | {"measure": [{"name": "imported", "format": found.format}], "run": {"limit": _LIMIT}}


def _damages(trials: Iterable[TrialRecord]) -> list[dict[str, Any]]:
    """A [[damage]] table for each group and way of damaging it, with every level; what no profile can say is left
    out."""
    levels: dict[str, list[float]] = {}
    for record in trials:
        if not record.baseline and record.level is not None:
            shape = json.dumps(_shape(record), default=list)
            held = levels.setdefault(shape, [])
            if record.level not in held:
                held.append(record.level)
    tables = (json.loads(shape) | {"levels": sorted(held)} for shape, held in levels.items())
    return [damage for damage in map(_spelt, tables) if _is_sayable(damage)]


def _shape(record: TrialRecord | StageRecord) -> dict[str, Any]:
    told = {"method": record.method, "groups": [record.group]}
    for key in ("layers", "heads", "experts", "select", "options"):
        if value := getattr(record, key):
            told[key] = value
    if isinstance(record, StageRecord):
        return told | {"levels": [record.level]}
    chain = {key: [_shape(stage) for stage in getattr(record, key) or ()] for key in ("before", "then")}
    return told | {key: stages for key, stages in chain.items() if stages}


def _spelt(damage: dict[str, Any]) -> dict[str, Any]:
    """With levels as the method spells them, and of the options those that it has."""
    info = catalog.methods().get(damage["method"])
    if info is None:
        return damage
    told = damage | {"levels": [_level(info, level) for level in damage["levels"]]}
    if options := damage.get("options"):
        told["options"] = {key: value for key, value in options.items() if key in table_of(info).model_fields}
    return told | {key: [_spelt(stage) for stage in damage[key]] for key in ("before", "then") if key in damage}


def _level(info: MethodInfo, level: float) -> float:
    return int(level) if info.level and info.level.integer and float(level).is_integer() else level


def _is_sayable(damage: dict[str, Any]) -> bool:
    """Whether a profile can ask for it: its method and group are known, and its levels lie within bounds."""
    minimal = {"name": "x", "model": {"names": ["petri-4k"]}, "measure": [{"name": "imported"}]}
    try:
        parse(minimal | {"damage": [damage], "run": {"limit": _LIMIT}}, "", _NOWHERE, must_exist=False)
    except LesionError:
        return False
    return True
