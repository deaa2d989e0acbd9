"""What a profile may say: every table, key, default and bound."""

import re
from fnmatch import fnmatchcase
from functools import partial
from itertools import product
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from engine import catalog
from engine.catalog.columns import labelled
from engine.errors import LesionError, suggestion
from engine.profile.analysis import Analysis
from engine.profile.choice import ByName
from engine.profile.counting import trial_count
from engine.profile.damage import Damage
from engine.profile.faults import fault, show
from engine.profile.fields import Table, Text, accept, must_exist
from engine.profile.layers import place_of
from engine.profile.measures import Measure, tables
from engine.profile.model_spec import ModelSpec
from engine.profile.packing import check_measurable, check_packable
from engine.profile.pictures import check_sight
from engine.profile.repetition import RunSpec, Seeds

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Profile(Table):
    """A whole experiment."""

    model_config = ConfigDict(defer_build=True)  # until it is first used: then what packages add is read
    keys_of_files: ClassVar[tuple[str, ...]] = ("extends",)

    name: Text = Field(description="a short name, which the run's folder will bear")
    description: Text = Field("", description="what the experiment is for")
    model: ModelSpec = Field(description="which models, a [model] table with names = [...]")
    damage: tuple[Damage, ...] = Field(min_length=1, description="what is done to them, one [[damage]] table each")
    seeds: Seeds = Field(default_factory=Seeds, description="repetitions")
    measure: tuple[Annotated[Measure, ByName(tables)], ...] = Field(
        min_length=1, description="what is observed, one [[measure]] table each"
    )
    run: RunSpec = Field(default_factory=RunSpec, description="how to run it")
    analysis: Analysis = Field(default_factory=Analysis, description="how its trials are summarised")

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise fault(f"{show(name)} cannot be a name; use up to 64 letters, digits, '.', '_' and '-'")
        return name

    @field_validator("measure")
    @classmethod
    def _check_measures(cls, measures: tuple[Measure, ...]) -> tuple[Measure, ...]:
        seen = set()
        measured: dict[str, str] = {}
        for position, measure in enumerate(measures):
            if (measure.name, measure.label) in seen:
                text = f"this is another {measure.name} with the same metrics' names; give it a label of its own"
                raise fault(LesionError(text, field=f"{position}.label"))
            seen.add((measure.name, measure.label))
            for metric in _metrics(measure):
                if metric in measured:
                    text = f"{measured[metric]} has a metric {metric} too; give one of them a label of its own"
                    raise fault(LesionError(text, field=f"{position}.label"))
                measured[metric] = measure.name
        return measures

    @property
    def trial_count(self) -> int:
        """The number of its trials; see engine.profile.counting."""
        return trial_count(self.model, self.damage, self.seeds, self.measure, self.run.limit)

    @model_validator(mode="after")
    def _check_size(self) -> "Profile":
        """Before anything is listed: a few keys can ask for more trials than memory holds."""
        if (count := self.trial_count) > self.run.limit:
            about = "" if self.model.load_in == "none" else "at least "
            text = f"this profile makes {about}{count:,} trials, and {self.run.limit:,} is the limit"
            mend = "ask for fewer models, damages, levels or seeds, or raise run.limit"
            raise fault(LesionError(f"{text}: {mend}", field="run.limit"))
        return self

    @model_validator(mode="after")
    def _check_overlap(self) -> "Profile":
        first: dict[tuple[Any, ...], int] = {}
        for position, table in enumerate(self.damage):
            for single in (single for one in table.separate() for single in one.singles):
                _refuse_overlap(single, position, first)
        return self

    @model_validator(mode="after")
    def _check_until(self) -> "Profile":
        """What is to be known closely must be measured; its change, from the undamaged model."""
        until = self.seeds.until
        known = [(measure, name) for measure in self.measure for name in _metrics(measure, every=True)]
        if until is None:
            return self
        measures = [measure for measure, name in known if fnmatchcase(until.plain, name)]
        if not measures:
            hint = suggestion(until.plain, [name for _, name in known if "*" not in name])
            text = f"no measurement here has {show(until.plain)}{hint}"
            raise fault(LesionError(text, field="seeds.until.metric"))
        if until.change and not any(measure.made_on(True) for measure in measures):
            text = f"{until.plain} is not measured on the undamaged model, so there is no change from it"
            raise fault(LesionError(text, field="seeds.until.metric"))
        return self

    @model_validator(mode="after")
    def _check_sought(self) -> "Profile":
        """What is to cross must be measured, on the undamaged model too."""
        known = [(measure, name) for measure in self.measure for name in _metrics(measure, every=True)]
        for position, damage in enumerate(self.damage):
            if damage.sought is None:
                continue
            field, metric = f"damage.{position}.levels.find", damage.sought.find
            measures = [measure for measure, name in known if fnmatchcase(metric, name)]
            if not measures:
                hint = suggestion(metric, [name for _, name in known if "*" not in name])
                raise fault(LesionError(f"no measurement here has {show(metric)}{hint}", field=field))
            if not any(measure.made_on(True) for measure in measures):
                text = f"{metric} is not measured on the undamaged model, which a search compares with"
                raise fault(LesionError(text, field=field))
        return self

    @model_validator(mode="after")
    def _check_order(self) -> "Profile":
        for position, damage in enumerate(self.damage):
            for number, stage in enumerate(damage.stages):
                try:
                    stage.typed_options.check_first(number == 0)
                except LesionError as error:
                    raise fault(LesionError(str(error), field=f"damage.{position}.{error.field}")) from None
        return self

    @model_validator(mode="after")
    def _refuse_codes(self) -> "Profile":
        for position, damage in enumerate(self.damage if self.model.load_in != "none" else ()):
            accept(partial(check_packable, position), damage)
        for position, measure in enumerate(self.measure if self.model.load_in != "none" else ()):
            accept(partial(check_measurable, position), measure)
        return self

    @property
    def shows_pictures(self) -> bool:
        """Whether any measurement shows a picture to the models."""
        return any(measure.pictures for measure in self.measure)

    @model_validator(mode="after")
    def _refuse_pictures_for_the_blind(self, info: ValidationInfo) -> "Profile":
        asked = [f"measure.{position}.{key}" for position, one in enumerate(self.measure) for key in one.pictures]
        for key, name in product(asked if must_exist(info) else [], self.model.names):
            try:
                check_sight(name)
            except LesionError as error:
                raise fault(LesionError(str(error), field=key)) from None
        return self


def _metrics(measure: Measure, *, every: bool = False) -> list[str]:
    """What the metrics of a measurement are called, without those of which only the measurement knows the name, or
    with them, as patterns."""
    names = [info.name for info in catalog.measurements()[measure.name].metrics if every or "*" not in info.name]
    return [labelled(measure.label, name) for name in names]


def _refuse_overlap(damage: Damage, position: int, first: dict[tuple[Any, ...], int]) -> None:
    """`first`: what earlier tables ask for, and which of them; this table's wishes are added."""
    narrowed = tuple(place_of(numbers) for numbers in (damage.layers, damage.heads, damage.experts))
    chain = [stage.model_dump_json() for stage in (*damage.before, *damage.then)]
    rest = (*narrowed, str(damage.options), str(damage.select.identity if damage.select else None), *chain)
    for group in damage.groups:
        _refuse_beside_sought(damage, group, rest, position, first)
    for group, level in product(damage.groups, damage.levels):
        same = (damage.method, group, f"{level:.10g}", *rest)
        if same in first:
            wish = f"{damage.method} on {group} at level {level:.10g}"
            text = f"{wish} is already asked for by damage.{first[same]}; once is enough"
            raise fault(LesionError(text, field=f"damage.{position}"))
        first[same] = position


def _refuse_beside_sought(
    damage: Damage, group: str, rest: tuple[Any, ...], position: int, first: dict[tuple[Any, ...], int]
) -> None:
    """A level is sought where no other table asks for any: which trials there are would depend on both."""
    place = (damage.method, group, *rest)
    other = first.get(("any level", *place) if damage.sought else ("sought", *place))
    if other is not None:
        text = f"a level of {damage.method} on {group} is sought here and damage.{other} asks for levels of it, too"
        text = text if damage.sought else f"a level of {damage.method} on {group} is sought by damage.{other} already"
        raise fault(LesionError(f"{text}: put one of them into a profile of its own", field=f"damage.{position}"))
    first.setdefault(("any level", *place), position)
    if damage.sought:
        first[("sought", *place)] = position
