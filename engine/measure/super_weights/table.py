"""What a profile says of the measurement super_weights."""

from typing import Literal

from pydantic import Field

from engine.errors import LesionError
from engine.profile.fields import Float, Int, Text
from engine.profile.measures import ScoredTextTable


class SuperWeightsMeasure(ScoredTextTable):
    """Single weights that make an activation spike, and what zeroing each of them does."""

    name: Literal["super_weights"] = "super_weights"
    prompt: Text | None = Field(None, description="what is read to see spikes; unset: the first document")
    times: Float = Field(10.0, gt=0, le=10**6, description="a spike is so many times the median of all layers")
    share: Float = Field(0.5, gt=0, le=1, description="of a spike's output comes at least this from the one weight")
    most: Int = Field(4, ge=1, le=1000, description="how many are zeroed to see what they do, largest spike first")

    def check_codes(self) -> None:
        """See MeasureTable."""
        raise LesionError("super_weights zeroes single numbers, and model.load_in stores codes", field="name")
