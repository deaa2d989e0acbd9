"""What a profile says of the measurement generation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from engine.profile.demand import Effort, Load, most_tokens, tokens
from engine.profile.faults import fault, show
from engine.profile.fields import Bool, Float, Int
from engine.profile.inputs import PictureName
from engine.profile.measures import PromptTable
from engine.profile.texts import prompts

_PICTURE_TOKENS = 1024
"""Of a picture, before a processor has seen it; most models use 64 to about 1,500."""

_TEMPLATE_TOKENS = 48
"""That a chat template may add to a prompt."""


def _check_chat(chat: Any) -> Any:
    if chat is True or chat is False or chat == "auto":
        return chat
    raise fault(f"must be true, false or 'auto', not {show(chat)}")


class GenerationMeasure(PromptTable):
    """What the model writes after each prompt."""

    name: Literal["generation"] = "generation"
    image: PictureName | None = Field(
        None, description="a picture the prompts are about, bundled or a PNG, JPEG or WebP file; unset: none"
    )
    max_new_tokens: Int = Field(
        64, ge=1, le=100_000, title="new tokens", description="tokens written at most after a prompt"
    )
    sample: Bool = Field(True, description="draw tokens at random; false: always the likeliest")
    temperature: Float = Field(1.0, gt=0, le=100, description="sharpness of sampling; lower is safer")
    batch_size: Int = Field(40, ge=1, le=4096, description="prompts answered together")
    chat: Annotated[Bool | Literal["auto"], BeforeValidator(_check_chat)] = Field(
        "auto", description="wrap prompts in the model's chat template; auto: where it has one"
    )

    @property
    def draws(self) -> bool:
        return self.sample

    @property
    def sampled(self) -> bool:
        return self.sample

    @property
    def uncounted(self) -> set[str]:
        """See MeasureTable."""
        return super().uncounted | (set() if self.sample else {"temperature"})

    def load(self, folder: Path) -> Load:
        """See MeasureTable: prompts with all that is written behind them."""
        lengths = [most_tokens(text) for text in prompts(self, folder)]
        added = (_PICTURE_TOKENS if self.image else 0) + (_TEMPLATE_TOKENS if self.chat is not False else 0)
        longest = max(lengths) + self.max_new_tokens + added
        texts = len(lengths)
        return Load(self.rows, longest, logits=1, cache=True, name=self.key, texts=texts, sampled=self.sample)

    def effort(self, folder: Path) -> Effort:
        """See MeasureTable: a pass a token, the batch together."""
        lengths = [tokens(text) for text in prompts(self, folder)]
        written = len(lengths) * self.max_new_tokens
        return Effort(-(-len(lengths) // self.rows) * self.max_new_tokens, sum(lengths) + written, written)

    def remarks(self, petri: Sequence[bool]) -> list[str]:
        """See MeasureTable."""
        if self.sample or self.temperature == 1.0:
            return []
        return [f"a temperature of {self.temperature:g} changes nothing while sample is false"]
