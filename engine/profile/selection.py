"""The `select` table of a [[damage]]: which weights of a group a method touches."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from engine import catalog
from engine.errors import LesionError
from engine.profile.choice import OneOf
from engine.profile.faults import fault, show
from engine.profile.fields import Counts, Float, Int, Table, Text, accept
from engine.profile.inputs import TextName
from engine.profile.names import is_file_name

Coordinate = tuple[str | int, ...]
"""A parameter's name, then an index for each of its dimensions."""


def _check_coordinate(coordinate: Any) -> Coordinate:
    name, *indices = coordinate if isinstance(coordinate, list | tuple) and coordinate else (None,)
    if not isinstance(name, str) or not indices or not all(type(i) is int and 0 <= i < 10**12 for i in indices):
        raise fault(
            f'must be a parameter\'s name and whole numbers, as ["model.layers.1.mlp.down_proj.weight", 3, 7], '
            f"not {show(coordinate)}"
        )
    return name, *indices


class Select(Table):
    """Which weights a method touches; all others keep their bits."""

    by: Literal["all", "random", "top_k", "bottom_k", "coordinates"] = Field(
        description="all; random ones; the largest or smallest by a score; or those at given coordinates"
    )
    fraction: Float | None = Field(None, gt=0, le=1, description="how many, as a share of the weights; or give k")
    k: Counts | None = Field(
        None, description="how many weights, or fraction; several, as [10, 50], are trials of their own each"
    )
    score: Annotated[Text, OneOf(catalog.scores)] | None = Field(None, description="what top_k and bottom_k go by")
    scope: Literal["global", "per_layer", "per_tensor"] = Field(
        "global", description="whether k or fraction is of the whole group, of each layer or of each parameter"
    )
    text: TextName = Field(
        "auto", description="what the score is computed on: a bundled text, or a .txt file; auto: what suits the model"
    )
    documents: Int = Field(8, ge=1, le=100_000, description="how many documents of the text at most")
    context: Int = Field(256, ge=2, le=10**6, description="tokens in a window, where the model reads as many")
    batch_size: Int = Field(8, ge=1, le=4096, description="windows scored together")
    probes: Int = Field(8, ge=1, le=100_000, description="random vectors of hutchinson")
    seed: Int = Field(0, ge=0, le=2**31 - 1, description="where hutchinson's random vectors come from")
    coordinates: tuple[Annotated[Coordinate, BeforeValidator(_check_coordinate)], ...] = Field(
        (), description='weights by name and indices: [["model.layers.1.mlp.down_proj.weight", 3, 7]]'
    )

    @field_validator("score")
    @classmethod
    def _check_score(cls, score: str | None) -> str | None:
        return None if score is None else accept(catalog.score, score).name

    @model_validator(mode="after")
    def _check_whole(self) -> "Select":
        if self.by in ("random", "top_k", "bottom_k") and (self.fraction is None) == (self.k is None):
            raise fault(LesionError(f"{self.by} needs either k or fraction", field="k"))
        if self.by in ("top_k", "bottom_k") and self.score is None:
            known = ", ".join(catalog.scores())
            raise fault(LesionError(f"{self.by} needs a score: one of {known}", field="score"))
        if self.by == "coordinates" and not self.coordinates:
            raise fault(LesionError("needs at least one entry", field="coordinates"))
        self._refuse_idle()
        return self

    def _refuse_idle(self) -> None:
        """What would change nothing is a misunderstanding."""
        whose = f"by = '{self.by}'" + (f" and score = '{self.score}'" if self.score in catalog.scores() else "")
        for key in sorted(self._given() - self._used()):
            raise fault(LesionError(f"changes nothing with {whose}: leave it out", field=key))

    def _given(self) -> set[str]:
        return {key for key, field in type(self).model_fields.items() if getattr(self, key) != field.default}

    def _used(self) -> set[str]:
        """The keys that the result depends on."""
        used = keys_with(self.by, self.score)
        if self.by == "random":
            return used - ({"k", "scope"} if self.k is None else {"fraction"})
        return used

    @property
    def own_text(self) -> str | None:
        """The user's own file that the score reads, if it reads one."""
        return self.text if is_file_name(self.text) and self.text not in catalog.texts() else None

    def separate(self) -> "list[Select]":
        """One selection for each `k`, where it lists several."""
        return [self.model_copy(update={"k": k}) for k in self.k] if isinstance(self.k, tuple) else [self]

    @property
    def plain(self) -> dict[str, Any]:
        """All that the result depends on, defaults written out, as plain data."""
        return self.model_dump(mode="json", include=self._used(), exclude_none=True)

    @property
    def identity(self) -> dict[str, Any]:
        """All that differs from the defaults, as plain data: what `Select.model_validate` takes back."""
        return self.model_dump(mode="json", exclude_defaults=True)


def keys_with(by: str, score: str | None) -> set[str]:
    """The keys of a `select` table that mean something with this `by` and `score`; of k and fraction one is given."""
    if by == "coordinates":
        return {"by", "coordinates"}
    if by == "random":
        return {"by", "fraction", "k", "scope"}
    if by not in ("top_k", "bottom_k"):
        return {"by"}
    info = catalog.scores().get(score or "")
    reads = {"text", "documents", "context", "batch_size"} if info and info.reads_text else set()
    return {"by", "fraction", "k", "score", "scope"} | reads | ({"probes", "seed"} if info and info.draws else set())
