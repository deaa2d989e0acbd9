"""What a profile says of the measurement gains."""

from typing import Literal

from pydantic import Field

from engine.profile.fields import Int
from engine.profile.measures import PromptTable


class GainsMeasure(PromptTable):
    """By how much attention and MLP amplify what they receive, layer by layer."""

    usual = "gains4"
    grades = False

    name: Literal["gains"] = "gains"
    batch_size: Int = Field(16, ge=1, le=4096, description="prompts read together")
