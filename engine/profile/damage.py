"""The [[damage]] table: a method, its levels, and the parameters it is done to."""

from typing import Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from engine import catalog
from engine.errors import LesionError
from engine.profile.faults import explain, fault
from engine.profile.fields import Float, Int, Table, Text, accept, refuse_repeats
from engine.profile.layers import Layers, check_layers


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
        wanted = LevelRange.model_validate(levels)
        return info.spread(wanted.start, wanted.stop, wanted.steps, wanted.spacing)
    except ValidationError as error:
        field, sentence = explain(error, LevelRange)[0]
        raise fault(LesionError(sentence, field=field)) from None
    except LesionError as error:
        raise fault(error) from None


class Damage(Table):
    """One method at every one of its levels, on each of its groups."""

    method: Text = Field(description="what is done to the weights")
    groups: tuple[Text, ...] = Field((), description="which parameters, one trial each")
    levels: tuple[Float, ...] = Field((), description="doses: a list, or { from = 0.0, to = 1.0, steps = 5 }")
    layers: Layers | None = Field(None, description='only these layers: "0-5", "last 4", "3" or [1, 3]; unset: all')

    @field_validator("method")
    @classmethod
    def _check_method(cls, method: str) -> str:
        return accept(catalog.method, method).name

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

    @field_validator("layers", mode="before")
    @classmethod
    def _check_layers(cls, layers: Any) -> Layers | None:
        return None if layers is None else accept(check_layers, layers)

    @model_validator(mode="after")
    def _check_whole(self) -> "Damage":
        if self.method == "none":
            for key in ("groups", "levels", "layers"):
                if getattr(self, key):
                    raise fault(LesionError(f"the method none does nothing and takes no {key}", field=key))
            return self
        for key, known in (("groups", f"one or more of: {', '.join(catalog.groups())}"), ("levels", self._bounds())):
            if not getattr(self, key):
                raise fault(LesionError(f"the method {self.method} needs {key}: {known}", field=key))
        if self.layers is not None and "embed_only" in self.groups:
            text = "layers narrow nothing in embed_only, which lies outside the layers; give it its own [[damage]]"
            raise fault(LesionError(text, field="layers"))
        return self

    def _bounds(self) -> str:
        level = catalog.method(self.method).level
        return f"each {level.bounds}" if level else ""
