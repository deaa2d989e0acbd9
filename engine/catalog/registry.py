"""Everything that exists, by name: Lesion's own and what installed packages add."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol, TypeVar

from engine.catalog.columns import CHANGE, metric_of
from engine.catalog.infos import (
    ArchitectureInfo,
    GroupInfo,
    MeasurementInfo,
    MethodInfo,
    MetricInfo,
    ModelInfo,
    PictureInfo,
    PromptSetInfo,
    ScoreInfo,
    TaskInfo,
    TextInfo,
)
from engine.errors import LesionError, quoted, suggestion

if TYPE_CHECKING:
    from engine.catalog.entries.families import ModelFamilyInfo, PublishedInfo


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Info = TypeVar("_Info", bound=_Named)


def methods() -> dict[str, MethodInfo]:
    """Every method by name."""
    from engine.catalog.entries.methods import METHODS
    from engine.catalog.plugins import added

    return _by_name((*METHODS, *added().methods))


def scores() -> dict[str, ScoreInfo]:
    """Every sensitivity score by name."""
    from engine.catalog.entries.scores import SCORES
    from engine.catalog.plugins import added

    return _by_name((*SCORES, *added().scores))


def groups() -> dict[str, GroupInfo]:
    """Every parameter group by name."""
    from engine.catalog.entries.parameters import GROUPS

    return _by_name(GROUPS)


def measurements() -> dict[str, MeasurementInfo]:
    """Every measurement by name."""
    from engine.catalog.entries.measurements import measurements as own
    from engine.catalog.plugins import added

    return _by_name((*own(), *added().measurements))


def models() -> dict[str, ModelInfo]:
    """Every bundled model by name, smallest first."""
    from engine.petri import SIZES

    bundled = []
    for name, size in SIZES.items():
        shape = f"{size.layers} layers, hidden size {size.hidden}, {size.heads} heads"
        bundled.append(ModelInfo(name, shape, size.embedding + size.non_embedding))
    return _by_name(bundled)


def families() -> "dict[str, ModelFamilyInfo]":
    """Every family of models by name, for patterns such as "pythia:*"."""
    from engine.catalog.entries.families import FAMILIES

    return {family.name: family for family in FAMILIES}


def published() -> "dict[str, PublishedInfo]":
    """The models of the Hub whose shape is known here, by id."""
    from engine.catalog.entries.families import PUBLISHED

    return {model.name: model for model in PUBLISHED}


def architectures() -> dict[str, ArchitectureInfo]:
    """Every supported architecture by name."""
    from engine.catalog.entries.parameters import ARCHITECTURES
    from engine.catalog.plugins import added

    return _by_name((*ARCHITECTURES, *added().architectures))


def prompt_sets() -> dict[str, PromptSetInfo]:
    """Every prompt set by name."""
    from engine.catalog.entries.texts import PROMPT_SETS
    from engine.catalog.plugins import added

    return _by_name((*PROMPT_SETS, *added().prompt_sets))


def tasks() -> dict[str, TaskInfo]:
    """Every bundled task by name."""
    from engine.catalog.entries.texts import TASKS

    return _by_name(TASKS)


def texts() -> dict[str, TextInfo]:
    """Every bundled text by name."""
    from engine.catalog.entries.texts import TEXTS

    return _by_name(TEXTS)


def pictures() -> dict[str, PictureInfo]:
    """Every bundled picture by name."""
    from engine.catalog.entries.texts import PICTURES

    return _by_name(PICTURES)


def method(name: str) -> MethodInfo:
    """The method called `name`: one of `methods()`, or `requantise`, which no profile can ask for.

    Raises LesionError when there is none.
    """
    from engine.catalog.entries.methods import REQUANTISE

    return REQUANTISE if name == REQUANTISE.name else _find("method", name, methods())


def score(name: str) -> ScoreInfo:
    """The sensitivity score called `name`. Raises LesionError when there is none."""
    return _find("score", name, scores())


def group(name: str) -> GroupInfo:
    """The parameter group called `name`. Raises LesionError when there is none."""
    return _find("parameter group", name, groups())


def measurement(name: str) -> MeasurementInfo:
    """The measurement called `name`. Raises LesionError when there is none."""
    return _find("measurement", name, measurements())


def metric(name: str) -> MetricInfo | None:
    """The metric that a record calls `name`, with or without a label before it; None for one that is not known."""
    name = metric_of(name).name
    made = [info for measurement in measurements().values() for info in measurement.metrics]
    made += [info for method in methods().values() for info in method.metrics]
    infos = {info.name: info for info in made}
    return infos.get(name) or next((info for info in infos.values() if fnmatchcase(name, info.name)), None)


def foreign(name: str) -> str | None:
    """What a metric is, or its change, that other programs measured under a definition of their own; None of all
    others."""
    imported = {info.name: info.summary for info in measurement("imported").metrics}
    return imported.get(metric_of(name).name.removesuffix(CHANGE))


def model(name: str) -> ModelInfo:
    """The bundled model called `name`. Raises LesionError when there is none."""
    return _find("bundled model", name, models())


def family(name: str) -> "ModelFamilyInfo":
    """The family of models called `name`. Raises LesionError when there is none."""
    if name not in families():
        raise LesionError(f"there is no family of models {quoted(name)}{suggestion(name, families())}")
    return families()[name]


def blame() -> str:
    """What is wrong with installed packages, as the end of a message about a name that is not here; mostly nothing."""
    from engine.catalog.plugins import faults

    return f" ({'; '.join(faults())})" if faults() else ""


def _by_name(infos: Iterable[_Info]) -> dict[str, _Info]:
    return {info.name: info for info in infos}


def _find(kind: str, name: str, known: dict[str, _Info]) -> _Info:
    if name not in known:
        raise LesionError(f"there is no {kind} {quoted(name)}{suggestion(name, known)}{blame()}")
    return known[name]
