"""What a profile says of the measurement perplexity."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from engine.errors import LesionError
from engine.profile.demand import USUAL_CONTEXT, Effort, Load, most_tokens, tokens
from engine.profile.faults import fault
from engine.profile.fields import Int
from engine.profile.measures import TextTable
from engine.profile.texts import documents

CHUNK_BYTES = 16 * 2**20
"""Size of one float32 block of logits. The damaged and the undamaged model have one each; see models/footprint.py."""


class PerplexityMeasure(TextTable):
    """How well the model predicts a text."""

    starts_late = True

    name: Literal["perplexity"] = "perplexity"
    context: Int | None = Field(None, ge=2, description="tokens in a window; unset: as many as the model reads")
    stride: Int | None = Field(None, ge=1, description="tokens from window to window; unset: half the context")
    batch_size: Int = Field(16, ge=1, le=4096, description="windows evaluated together")

    @model_validator(mode="after")
    def _check_stride(self) -> Self:
        if self.context and self.stride and self.stride >= self.context:
            text = f"must be less than the context, {self.context}, or tokens would be left out, not {self.stride}"
            raise fault(LesionError(text, field="stride"))
        return self

    def load(self, folder: Path) -> Load:
        """See MeasureTable: windows, and what is kept of the undamaged model."""
        lengths = [most_tokens(text) for text in documents(self, folder)]
        longest = min(max(lengths), self.context or max(lengths))
        windows = sum(-(-length // self._step) for length in lengths)
        return Load(self.rows, longest, name=self.key, texts=windows, block=CHUNK_BYTES, kept=sum(lengths))

    def effort(self, folder: Path) -> Effort:
        """See MeasureTable: tokens where windows overlap are read twice."""
        lengths = [tokens(text) for text in documents(self, folder)]
        context = self.context or USUAL_CONTEXT
        windows = sum(max(1, 1 + -(-(length - context) // self._step)) for length in lengths)
        read = sum(lengths) + (windows - len(lengths)) * (context - self._step)
        return Effort(-(-windows // self.rows), read, sum(lengths), heads=2)

    @property
    def _step(self) -> int:
        return self.stride or (self.context or USUAL_CONTEXT) // 2
