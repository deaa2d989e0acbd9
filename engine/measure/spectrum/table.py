"""What a profile says of the measurement spectrum."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from engine.profile.demand import Load
from engine.profile.fields import Int, WhichLayers
from engine.profile.layers import same_layers
from engine.profile.measures import TextTable


class SpectrumMeasure(TextTable):
    """How many dimensions the outputs of a layer use."""

    starts_late = True

    name: Literal["spectrum"] = "spectrum"
    layers: WhichLayers | None = Field(
        None, description='layers observed: "0-5", "last 4" or [1, 3], counting from 0; unset: the middle one'
    )
    batch_size: Int = Field(16, ge=1, le=4096, description="documents read together")

    def identity(self, folder: Path) -> dict[str, Any]:
        """See MeasureTable. Layers count however they are spelt."""
        return super().identity(folder) | {"layers": same_layers(self.layers)}

    def load(self, folder: Path) -> Load:
        """See MeasureTable: a Gram matrix for each layer observed."""
        return replace(super().load(folder), grams=self._observed)

    @property
    def _observed(self) -> int:
        """How many layers are observed."""
        layers = same_layers(self.layers)
        if isinstance(layers, str):  # "last 4"
            return int(layers.rpartition(" ")[2])
        return len(layers or [0])
