"""What a profile may say of the measurement."""

from typing import Literal

from pydantic import Field

from engine.profile import FileName, PromptTable


class CertaintyTable(PromptTable):
    """How sure the model is of the word after a prompt."""

    usual = "openings"

    name: Literal["certainty"] = "certainty"
    power: float = Field(1.0, gt=0, le=10, description="the probability is raised to it")
    words: FileName | None = Field(None, description="a file of words that alone are looked at; unset: all words")
    batch_size: int = Field(4, ge=1, le=4096, description="prompts read together")
