"""What a profile may say of the measurement."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from engine.profile import Effort, FileName, Load, PromptTable


class CertaintyTable(PromptTable):
    """How sure the model is of the word after a prompt."""

    usual = "openings"

    name: Literal["certainty"] = "certainty"
    power: float = Field(1.0, gt=0, le=10, description="the probability is raised to it")
    words: FileName | None = Field(None, description="a file of words that alone are looked at; unset: all words")
    batch_size: int = Field(4, ge=1, le=4096, description="prompts read together")

    def load(self, folder: Path) -> Load:
        """Every token is turned into predictions, one prompt at a time."""
        return replace(super().load(folder), rows=1, logits=None)

    def effort(self, folder: Path) -> Effort:
        """A pass a prompt."""
        whole = super().effort(folder)
        return replace(whole, passes=(self.load(folder).texts or 1), predicted=whole.tokens)
