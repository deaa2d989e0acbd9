"""The [[damage]] table: a method, its levels, and the parameters it is done to."""

from functools import partial
from typing import Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from engine import catalog
from engine.errors import LesionError
from engine.profile.faults import explain, fault
from engine.profile.fields import Float, Int, Table, Text, accept, must_exist, refuse_repeats
from engine.profile.find import Axis, Find
from engine.profile.layers import Layers, check_layers, layer_numbers, numbered_layers
from engine.profile.options import OptionsTable, complete, typed
from engine.profile.selection import Select


class LevelRange(Table):
    """Evenly spaced levels, both ends included."""

    start: Float = Field(alias="from", description="first level")
    stop: Float = Field(alias="to", description="last level")
    steps: Int = Field(ge=2, le=10_000, description="number of levels, both ends included")
    spacing: Literal["linear", "geometric"] | None = Field(None, description="unset: the method's own spacing")


def _expand(levels: Any, info: catalog.LevelInfo) -> Any:
    """`levels` as a list: a range is spread with the method's spacing; a list is left for the types to check."""
    if not isinstance(levels, dict):
        return levels
    try:
        level_range = LevelRange.model_validate(levels)
        return info.spread(level_range.start, level_range.stop, level_range.steps, level_range.spacing)
    except ValidationError as error:
        ((field, sentence), *_), _ = explain(error, LevelRange)
        raise fault(LesionError(sentence, field=field)) from None
    except LesionError as error:
        raise fault(error) from None


def _sought(levels: dict[str, Any]) -> Find:
    try:
        return Find.model_validate(levels)
    except ValidationError as error:
        ((field, sentence), *_), _ = explain(error, Find)
        raise fault(LesionError(sentence, field=f"levels.{field}")) from None


class Damage(Table):
    """One method at every one of its levels, on each of its groups."""

    method: Text = Field(description="what is done to the weights")
    groups: tuple[Text, ...] = Field((), description="which parameters, one trial each")
    levels: tuple[Float, ...] = Field(
        (),
        description="doses: a list, { from = 0.0, to = 1.0, steps = 5 }, or one to be found: "
        '{ find = "perplexity", crosses = "2x", within = 0.02 }',
    )
    sought: Find | None = Field(None, exclude=True)
    """What `levels` says where it says what to find; then there are no levels."""
    layers: Layers | None = Field(None, description='only these layers: "0-5", "last 4", "3" or [1, 3]; unset: all')
    each_layer: Layers | None = Field(
        None, description='every one of these layers by itself, one trial each, instead of layers: "0-8" or [1, 3]'
    )
    heads: Layers | None = Field(
        None,
        description="only these attention heads, written like layers: query heads in attn_q and attn_o, key-value "
        "heads in attn_k, attn_v and attn_only; unset: all",
    )
    experts: Layers | None = Field(None, description="only these experts of a mixture, written like layers; unset: all")
    options: dict[str, Any] = Field(
        {}, validate_default=True, description="what the method leaves open: { option = value }"
    )
    before: "tuple[Damage, ...]" = Field(
        (), description="what is done to the model first, in this order, each with one group and one level"
    )
    then: "tuple[Damage, ...]" = Field(
        (), description="what is done to it after that, in this order, each with one group and one level"
    )
    select: Select | None = Field(None, description='which weights are touched: { by = "random", k = 100 }; unset: all')

    @model_validator(mode="before")
    @classmethod
    def _take_sought(cls, data: Any) -> Any:
        """A table of levels with `find` is not one of levels."""
        if not isinstance(data, dict):
            return data
        if "sought" in data:
            text = 'there is no such key: levels = { find = "perplexity", … } says it'
            raise fault(LesionError(text, field="sought"))
        levels = data.get("levels")
        if not (isinstance(levels, dict) and "find" in levels):
            return data
        return {**data, "levels": (), "sought": _sought(levels)}

    @field_validator("method")
    @classmethod
    def _check_method(cls, method: str) -> str:
        name = accept(catalog.method, method).name
        if name not in catalog.methods():
            raise fault(f"{name} cannot be asked for: model.load_in adds its trials by itself, one for each group")
        return name

    @field_validator("groups")
    @classmethod
    def _check_groups(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        for group in groups:
            accept(catalog.group, group)
        refuse_repeats(groups, "group")
        return groups

    @field_validator("levels", mode="before")
    @classmethod
    def _expand_levels(cls, levels: Any, info: ValidationInfo) -> Any:
        if "method" not in info.data:
            return ()
        level = catalog.method(info.data["method"]).level
        return _expand(levels, level) if level else levels

    @field_validator("levels")
    @classmethod
    def _check_levels(cls, levels: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        method = catalog.method(info.data["method"]) if "method" in info.data else None
        for level in levels:
            if method and method.level:
                accept(method.level.check, level)
        levels = tuple(level + 0.0 for level in levels)
        refuse_repeats(levels, "level")
        return levels

    @field_validator("layers", "heads", "experts", mode="before")
    @classmethod
    def _check_narrowing(cls, numbers: Any, info: ValidationInfo) -> Layers | None:
        return None if numbers is None else accept(partial(check_layers, noun=str(info.field_name)), numbers)

    @field_validator("each_layer", mode="before")
    @classmethod
    def _check_each_layer(cls, layers: Any) -> Layers | None:
        return None if layers is None else accept(numbered_layers, layers)

    @field_validator("options")
    @classmethod
    def _check_options(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "method" not in info.data:
            return options
        return accept(partial(complete, catalog.method(info.data["method"]), must_exist=must_exist(info)), options)

    @field_validator("select")
    @classmethod
    def _check_select(cls, select: Select | None, info: ValidationInfo) -> Select | None:
        if select is None or select.by == "all" or "method" not in info.data:
            return None
        method = catalog.method(info.data["method"])
        if not method.elementwise and method.acts_on != "selection":
            raise fault(f"the method {method.name} cannot be confined to single weights: leave select out")
        return select

    @model_validator(mode="after")
    def _check_whole(self) -> "Damage":
        if self.method == "none":
            for key in ("groups", "levels", "layers", "each_layer", "heads", "experts", "select", "before", "then"):
                if getattr(self, key) or (key == "levels" and self.sought):
                    raise fault(LesionError(f"the method none does nothing and takes no {key}", field=key))
            return self
        for key, known in (("groups", f"one or more of: {', '.join(catalog.groups())}"), ("levels", self._bounds())):
            if not getattr(self, key) and not (key == "levels" and self.sought):
                raise fault(LesionError(f"the method {self.method} needs {key}: {known}", field=key))
        if self.layers is not None and self.each_layer is not None:
            raise fault(LesionError("give layers or each_layer, not both", field="each_layer"))
        accept(Damage._check_sought, self)
        for group in self.groups:
            accept(self._check_narrowed, group)
        self._check_suited()
        for key in ("before", "then"):
            for position, stage in enumerate(getattr(self, key)):
                accept(partial(_check_stage, f"{key}.{position}"), stage)
        return self

    @property
    def stages(self) -> "tuple[Damage, ...]":
        """All that is done to the model, in order: what comes before, itself, what follows."""
        return (*self.before, self, *self.then)

    @property
    def typed_options(self) -> OptionsTable:
        """Its options as the method's own table has them."""
        return typed(catalog.method(self.method), self.options, must_exist=False)

    def separate(self) -> "list[Damage]":
        """One damage for each `select.k`, where it lists several."""
        if self.select is None:
            return [self]
        return [self.model_copy(update={"select": one}) for one in self.select.separate()]

    def axis(self) -> Axis:
        """The levels among which one is sought. Raises LesionError, with the key as its field, for bounds that do not
        do."""
        level = catalog.method(self.method).level
        assert self.sought is not None
        assert level is not None
        return Axis(self.sought, level)

    @property
    def most_levels(self) -> int:
        """How many levels it is done at, or where one is sought at most."""
        return self.axis().most if self.sought else len(self.levels)

    def _check_sought(self) -> None:
        try:
            if self.sought is not None:
                self.axis()
        except LesionError as error:
            raise LesionError(str(error), field=f"levels.{error.field}") from None

    def _check_narrowed(self, group: str) -> None:
        layers = self.layers if self.each_layer is None else self.each_layer
        try:
            catalog.group(group).check(layers=layers, heads=self.heads, experts=self.experts)
        except LesionError as error:
            field = "each_layer" if error.field == "layers" and self.each_layer is not None else error.field
            raise LesionError(str(error), field=field) from None

    def _check_suited(self) -> None:
        method = catalog.method(self.method)
        for group in self.groups:
            accept(self.typed_options.check_group, group)
        if self.select and self.select.score:
            for group in self.groups:
                accept(catalog.score(self.select.score).check, group)
        for group in self.groups if method.groups else ():
            if group not in method.groups:
                known = ", ".join(method.groups)
                raise fault(LesionError(f"{self.method} cannot be done to {group}; only to {known}", field="groups"))
        if method.acts_on == "selection" and self.select is None:
            example = '{ by = "top_k", k = 100, score = "magnitude" }'
            raise fault(LesionError(f"{self.method} needs to know which weights, as {example}", field="select"))
        if method.acts_on == "blocks":
            for key in ("heads", "experts"):
                if getattr(self, key) is not None:
                    raise fault(LesionError(f"the method {self.method} takes no {key}", field=key))

    @property
    def singles(self) -> tuple["Damage", ...]:
        """Itself; with `each_layer`, the damage to each of those layers by itself, as `layers` would say it."""
        if self.each_layer is None:
            return (self,)
        return tuple(
            self.model_copy(update={"layers": (layer,), "each_layer": None}) for layer in layer_numbers(self.each_layer)
        )

    def _bounds(self) -> str:
        level = catalog.method(self.method).level
        return f"each {level.bounds}" if level else ""


def _check_stage(key: str, stage: Damage) -> None:
    """Raises LesionError for what cannot stand before or after another damage: it has to be one thing."""
    several = stage.each_layer is not None or (stage.select is not None and isinstance(stage.select.k, tuple))
    if stage.method == "none" or several or stage.sought or len(stage.groups) != 1 or len(stage.levels) != 1:
        text = "takes a method with one group and one level, no each_layer and no list of k"
        raise LesionError(f"{text}: what varies is in the damage itself", field=key)
    if stage.before or stage.then:
        raise LesionError("takes no before or then of its own: list all of them one after the other", field=key)
