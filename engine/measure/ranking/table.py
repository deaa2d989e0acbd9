"""What a profile says of the measurement ranking."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from engine import catalog
from engine.errors import LesionError
from engine.profile.choice import OneOf
from engine.profile.demand import Group
from engine.profile.faults import fault
from engine.profile.fields import Counts, Int, Text, WhichLayers, accept, refuse_repeats
from engine.profile.layers import same_layers
from engine.profile.measures import ScoredTextTable
from engine.profile.scoring import ScoreSpec


class RankingMeasure(ScoredTextTable):
    """Which weights matter most by a score, and how far scores, texts and seeds agree on them."""

    name: Literal["ranking"] = "ranking"
    scores: tuple[Annotated[Text, OneOf(catalog.scores)], ...] = Field(
        ("grad_x_weight",), min_length=1, description="what weights are ranked by"
    )
    group: Annotated[Text, OneOf(catalog.groups)] = Field("all", description="among which parameters")
    layers: WhichLayers | None = Field(
        None, description='only these layers: "0-5", "last 4", "3" or [1, 3]; unset: all'
    )
    k: Counts = Field((10, 100), description="how many weights are listed, and compared; several, as [10, 100]")
    scope: Literal["global", "per_layer", "per_tensor"] = Field(
        "global", description="whether k is of the whole group, of each layer or of each parameter"
    )
    samples: Int = Field(2, ge=1, le=1000, description="parts of the text that are ranked by themselves; 1: none")
    seeds: Int = Field(1, ge=1, le=1000, description="repetitions of a score that draws (hutchinson)")
    probes: Int = Field(8, ge=1, le=100_000, description="random vectors of hutchinson")

    @field_validator("scores")
    @classmethod
    def _check_scores(cls, scores: tuple[str, ...]) -> tuple[str, ...]:
        for score in scores:
            accept(catalog.score, score)
        refuse_repeats(scores, "score")
        return scores

    @field_validator("group")
    @classmethod
    def _check_group(cls, group: str) -> str:
        return accept(catalog.group, group).name

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        accept(lambda layers: catalog.group(self.group).check(layers=layers), self.layers)
        for score in self.scores:
            accept(catalog.score(score).check, self.group)
        if self.documents is not None and self.samples > self.documents:
            text = f"{self.samples} samples need as many documents, and there are {self.documents} at most"
            raise fault(LesionError(text, field="samples"))
        if self.seeds > 1 and not any(catalog.score(score).draws for score in self.scores):
            raise fault(LesionError("changes nothing where no score draws: leave it out", field="seeds"))
        return self

    def identity(self, folder: Path) -> dict[str, Any]:
        """See MeasureTable. Layers count however they are spelt."""
        return super().identity(folder) | {"layers": same_layers(self.layers)}

    @property
    def counts(self) -> tuple[int, ...]:
        """Every k, rising."""
        return self.k if isinstance(self.k, tuple) else (self.k,)

    @property
    def ranked_by(self) -> tuple[str, ...]:
        """See MeasureTable."""
        return self.scores

    def score_spec(self, score: str, batch_size: int, folder: Path) -> ScoreSpec:
        """What one of its scores is accumulated over: all documents, with seed 0."""
        return ScoreSpec(
            score,
            text=self.text,
            documents=self.documents or 1,
            context=self.context,
            batch_size=batch_size,
            probes=self.probes,
            folder=folder,
        )

    def scorings(self, folder: Path) -> list[tuple[ScoreSpec, Group]]:
        """See MeasureTable."""
        group = (self.group, self.layers, None, None)
        return [(self.score_spec(score, self.batch_size, folder), group) for score in self.scores]

    def check_codes(self) -> None:
        """See MeasureTable."""
        if not catalog.group(self.group).packable:
            return
        for score in self.scores:
            if not catalog.score(score).on_codes:
                stored = f"the codes that model.load_in makes of {self.group}"
                raise LesionError(f"{score} needs gradients, which {stored} do not have", field="scores")
