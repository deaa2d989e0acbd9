"""What a profile says of the measurement residual_gain."""

from typing import Literal

from pydantic import Field

from engine.profile.fields import Int
from engine.profile.measures import PromptTable


class ResidualGainMeasure(PromptTable):
    """By how much a block amplifies the residual stream at the last token."""

    usual = "residual25"
    grades = False

    name: Literal["residual_gain"] = "residual_gain"
    batch_size: Int = Field(16, ge=1, le=4096, description="prompts read together")
