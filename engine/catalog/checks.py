"""Whether what a package adds to the catalog can be used."""

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, get_args

from engine.catalog.bundled import set_questions
from engine.catalog.columns import is_taken
from engine.catalog.entries.measurements import measurements
from engine.catalog.entries.methods import METHODS
from engine.catalog.entries.parameters import ARCHITECTURES, GROUPS
from engine.catalog.entries.scores import SCORES
from engine.catalog.entries.texts import PROMPT_SETS
from engine.catalog.importing import load
from engine.catalog.infos import (
    ActsOn,
    Additions,
    ArchitectureInfo,
    MeasurementInfo,
    MethodInfo,
    MetricInfo,
    PromptSetInfo,
    ScoreInfo,
)
from engine.catalog.levels import LevelInfo
from engine.errors import LesionError

_TYPES: dict[str, type[Any]] = {
    "methods": MethodInfo,
    "scores": ScoreInfo,
    "measurements": MeasurementInfo,
    "prompt_sets": PromptSetInfo,
    "architectures": ArchitectureInfo,
}
_OWN: dict[str, tuple[Any, ...]] = {
    "methods": METHODS,
    "scores": SCORES,
    "measurements": measurements(),
    "prompt_sets": PROMPT_SETS,
    "architectures": ARCHITECTURES,
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,47}")
_PATH = re.compile(r"[\w.]+:\w+")
_RESERVED = ("auto", "none", "inline")
TABLES = frozenset(("Analysis", "Damage", "ModelSpec", "Profile", "Reference", "RunSpec", "Seeds", "Select"))
"""What the tables of a profile are called, but those of measurements."""


def complaint(kind: str, info: Any, before: Additions) -> str | None:
    """Why a thing that a package adds cannot be used beside what is there `before` it; None where it can."""
    if not isinstance(info, _TYPES[kind]):
        return f"it is no {_TYPES[kind].__name__}, but of type {type(info).__name__}"
    name: Any = info.name
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _RESERVED:
        return "a name is a letter, then up to 47 letters, digits, _ or -, and none of " + ", ".join(_RESERVED)
    for known in (*_OWN[kind], *getattr(before, kind)):
        if known.name == name:
            return f"{known.package or 'Lesion'} has one of that name already; give it another"
    try:
        return _CHECKS.get(kind, _check_path)(info, before)
    except LesionError as error:
        return str(error)
    except (Exception, SystemExit) as error:
        return " ".join(f"{type(error).__name__}: {error}".split())


def _check_path(info: Any, before: Additions) -> str | None:
    if not isinstance(info.implementation, str) or not _PATH.fullmatch(info.implementation):
        return f"its implementation {info.implementation!r} is no import path such as 'package.module:attribute'"
    module = info.implementation.partition(":")[0]
    return None if _is_there(module) else f"its implementation {info.implementation!r} names no module that is there"


def _is_there(module: str) -> bool:
    """Whether there is such a module, which may need torch and is not loaded for that."""
    try:
        return find_spec(module) is not None
    except ImportError:
        return False


def _check_method(info: MethodInfo, before: Additions) -> str | None:
    if not isinstance(info.level, LevelInfo):
        return "a method needs a level, a LevelInfo"
    if info.acts_on not in (known := get_args(ActsOn)):
        return f"acts_on is one of {', '.join(known)}, not {info.acts_on!r}"
    if info.walks and (info.acts_on != "model" or info.level.neutral is None):
        return "a method that walks acts on the model, and begins at a neutral level"
    if strange := set(info.groups) - {group.name for group in GROUPS}:
        return f"there is no parameter group {sorted(strange)[0]!r}"
    return _check_metrics(info.metrics) or _check_path(info, before) or _check_options(info)


def _check_options(info: MethodInfo) -> str | None:
    table: Any = load(info.options) if info.options else None
    if table is not None and not getattr(table, "is_options_table", False):
        return "its options are not the import path of an OptionsTable of engine.profile"
    for name, field in (table.model_fields if table else {}).items():
        if field.is_required() or not field.description:
            return f"its option {name!r} needs a default and a description"
    return None


def _check_measurement(info: MeasurementInfo, before: Additions) -> str | None:
    if not info.metrics or not all(isinstance(metric, MetricInfo) for metric in info.metrics):
        return "a measurement needs metrics, a MetricInfo each"
    return _check_metrics(info.metrics) or _check_path(info, before) or _check_table(info, before)


def _check_metrics(metrics: tuple[MetricInfo, ...]) -> str | None:
    for metric in metrics:
        if is_taken(str(metric.name)):
            return f"its metric {metric.name!r} bears the name of another column of the tables; give it another"
    return None


def _check_table(info: MeasurementInfo, before: Additions) -> str | None:
    """A table that cannot become part of the schema would take all profiles with it."""
    table: Any = load(info.table) if info.table else None
    if not getattr(table, "is_measure_table", False):
        return "its table is not the import path of a MeasureTable (or TextTable, or PromptTable) of engine.profile"
    fields: Any = table.model_fields
    if fields["name"].default != info.name:
        return f'its table {table.__name__} must say name: Literal["{info.name}"] = "{info.name}"'
    others = {load(known.table).__name__ for known in (*measurements(), *before.measurements)}
    if table.__name__ in others or table.__name__ in TABLES:
        return f"there is another table called {table.__name__}"
    table.model_json_schema()
    table.model_rebuild(force=True)
    return None


def _check_prompts(info: PromptSetInfo, before: Additions) -> str | None:
    if sum(map(bool, (info.parts, info.prompts, info.file))) != 1:
        return "a prompt set has prompts, a file or parts, and one of these only"
    known = {one.name: one for one in (*PROMPT_SETS, *before.prompt_sets)}
    if strange := [part for part in info.parts if part not in known]:
        return f"there is no prompt set {strange[0]!r} to be a part of it"
    return None if info.parts or set_questions(info) else "it holds no prompt"


_CHECKS: dict[str, Callable[[Any, Additions], str | None]] = {
    "methods": _check_method,
    "measurements": _check_measurement,
    "prompt_sets": _check_prompts,
}
