"""The JSON schema of profiles, for editors that complete and check TOML.

`python -m engine.profile.json_schema [FILE]` writes it to profiles/schema.json, or that file, without what installed
packages add; `lesion schema` prints it with them.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from engine import catalog
from engine.catalog.plugins import SWITCH
from engine.profile.choice import closed
from engine.profile.damage import LevelRange
from engine.profile.options import table_of
from engine.profile.schema import Profile

PATH = Path("profiles/schema.json")


def json_schema() -> dict[str, Any]:
    """The schema of a profile's file, with the catalog's names as the choices that an editor offers."""
    schema = Profile.model_json_schema()
    tables = schema["$defs"]
    _leave_out_imported(schema)
    _name_choices(tables)
    _describe_levels(tables["Damage"])
    del tables["ModelSpec"]["required"]
    required = schema.pop("required")
    schema["properties"]["extends"] = {"type": "string", "description": "path of a profile that this one builds on"}
    schema["anyOf"] = [{"required": ["extends"]}, {"required": required}]
    schema["title"] = "Lesion profile"
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema}


def _leave_out_imported(schema: dict[str, Any]) -> None:
    """No profile that is to run can ask for the figures of another program."""
    measure = schema["properties"]["measure"]["items"]
    reference = measure["discriminator"]["mapping"].pop("imported")
    measure["oneOf"].remove({"$ref": reference})
    del schema["$defs"][reference.rpartition("/")[2]]


def _name_choices(tables: dict[str, Any]) -> None:
    """Closed sets become enums; where a path or Hub id may stand too, known names are offered beside any string."""
    damage = tables["Damage"]["properties"]
    damage["method"].update(closed(catalog.methods()))
    damage["groups"]["items"] = closed(catalog.groups())
    _describe_names(tables["ModelSpec"]["properties"])


def _describe_names(model: dict[str, Any]) -> None:
    """Models as a list, or one without the brackets."""
    one = _offer([*catalog.models(), *(f"{family}:*" for family in catalog.families())])
    several = {"type": "array", "minItems": 1, "items": one}
    model["names"] = {"description": model["names"]["description"], "anyOf": [several, one]}


def _offer(names: list[str]) -> dict[str, Any]:
    return {"anyOf": [{"enum": names}, {"type": "string"}]}


def _describe_levels(damage: dict[str, Any]) -> None:
    """Levels as a list or a range, with the bounds of the method that the table names; layers as one number, too."""
    span = LevelRange.model_json_schema()
    numbers = {"type": "array", "items": {"type": "number"}}
    described = damage["properties"]["levels"]["description"]
    damage["properties"]["levels"] = {"description": described, "anyOf": [numbers, span, {"$ref": "#/$defs/Find"}]}
    del damage["properties"]["sought"]
    for key in ("layers", "each_layer", "heads", "experts"):
        damage["properties"][key]["anyOf"].append({"type": "integer", "minimum": 0})
    damage["allOf"] = [_bounds(info) for info in catalog.methods().values()]


def _bounds(method: catalog.MethodInfo) -> dict[str, Any]:
    chosen = {"properties": {"method": {"const": method.name}}, "required": ["method"]}
    if method.level is None:
        nothing = {"levels": {"maxItems": 0}, "groups": {"maxItems": 0}, "select": {"type": "null"}}
        return {"if": chosen, "then": {"properties": {**nothing, "options": _options(method)}}}
    level = method.level
    kind = "integer" if level.integer else "number"
    low = "exclusiveMinimum" if level.low_open else "minimum"
    dose = {"type": kind, low: level.low, "maximum": level.high}
    levels = {
        "description": f"{level.symbol}: {level.meaning}, {level.bounds}",
        "anyOf": [
            {"type": "array", "minItems": 1, "items": dose},
            {"type": "object", "properties": {"from": dose, "to": dose}},  # also where a level is sought
        ],
    }
    keys: dict[str, Any] = {"levels": levels, "options": _options(method)}
    if method.groups:
        keys["groups"] = {"items": {"enum": list(method.groups)}}
    required = ["groups", "levels"]
    if method.acts_on == "selection":
        required.append("select")
    elif not method.elementwise:
        keys["select"] = {"type": "null"}
    return {"if": chosen, "then": {"properties": keys, "required": required}}


def _options(method: catalog.MethodInfo) -> dict[str, Any]:
    schema = table_of(method).model_json_schema()
    known = schema.get("properties", {})
    for option in known.values():
        option.pop("title", None)
    return {"type": "object", "properties": known, "additionalProperties": False}


def written() -> str:
    """The schema as the text of a file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    os.environ[SWITCH] = "1"
    Path(sys.argv[1] if len(sys.argv) > 1 else PATH).write_text(written(), encoding="utf-8")
