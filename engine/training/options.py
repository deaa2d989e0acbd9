"""What methods that train leave open. Nothing here loads torch."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from engine.errors import LesionError
from engine.profile.demand import Effort, Training
from engine.profile.fields import Bool, Float, Int
from engine.profile.hashing import digest
from engine.profile.inputs import TextName
from engine.profile.options import OptionsTable
from engine.profile.texts import documents_of

Beta = Annotated[Float, Field(ge=0, lt=1)]
_FACTORED = 0.02
"""Numbers a weight that adafactor keeps: a row and a column of each matrix, which are at least so much smaller."""
_NOT_LINEAR = ("embed_only", "norms", "router")


class TrainingOptions(OptionsTable):
    """Of every method that trains: a treatment and its controls have all of it in common."""

    optimiser: Literal["adamw", "sgd", "adafactor", "adamw8bit"] = Field(
        "adamw", description="what makes a step of a gradient"
    )
    learning_rate: Float = Field(1e-4, gt=0, le=10, description="size of a step")
    betas: tuple[Beta, Beta] = Field((0.9, 0.999), description="of adamw and adamw8bit: what averages remember")
    momentum: Float = Field(0.0, ge=0, lt=1, description="of sgd")
    weight_decay: Float = Field(0.0, ge=0, le=10, description="share of a weight that a step of 1 takes away")
    clip: Float | None = Field(None, gt=0, le=10**6, description="longest gradient that is followed; unset: any")
    rounding: Literal["stochastic", "nearest"] = Field(
        "stochastic", description="how weights in 16 bits take steps smaller than their spacing"
    )
    length: Int = Field(64, ge=2, le=100_000, description="tokens that a step trains on")
    trainable: Literal["full", "lora"] = Field("full", description="the weights themselves, or adapters of low rank")
    lora_rank: Int = Field(16, ge=1, le=4096, description="rank of an adapter")
    lora_alpha: Float = Field(32.0, gt=0, le=10**6, description="an adapter counts alpha / rank times")
    checkpointing: Bool = Field(False, description="compute activations twice instead of keeping them")
    watch_every: Int = Field(10, ge=0, le=10**6, description="steps between looks at rank and perplexity; 0: none")
    watch_text: TextName = Field("auto", description="what rank and perplexity are watched on")
    watch_documents: Int = Field(8, ge=1, le=10_000, description="how many documents of it")
    target_rank_reduction: Float | None = Field(
        None, gt=0, le=100, description="per cent of the effective rank lost at which training ends; unset: never"
    )

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """From plain data that was checked before."""
        return cls.model_validate(dict(options), context={"must_exist": False})

    def training(self) -> Training:
        """See OptionsTable."""
        return Training(
            tokens=self.length,
            states={"adamw": 2, "adamw8bit": 2, "sgd": int(self.momentum > 0), "adafactor": _FACTORED}[self.optimiser],
            eight_bit=self.optimiser == "adamw8bit",
            wide=self.rounding == "stochastic",
            together=self.clip is not None,
            checkpointing=self.checkpointing,
            rank=self.lora_rank if self.trainable == "lora" else 0,
        )

    def effort(self, level: float) -> Effort:
        """See OptionsTable: forward, and twice that backward."""
        return self._passes(3 * level)

    def _passes(self, count: float) -> Effort:
        return Effort(count, count * self.length, count * self.length)

    def content(self, folder: Path) -> dict[str, Any]:
        """See OptionsTable: texts count by the documents that are read of them. Raises LesionError for one that holds
        none."""
        held = super().content(folder)
        for key, most in {"watch_text": "watch_documents", "text": "documents"}.items():
            if key in held:
                held[key] = digest(documents_of(getattr(self, key), getattr(self, most), folder))
        return held

    def check_group(self, group: str) -> None:
        """See OptionsTable."""
        if self.trainable == "lora" and group in _NOT_LINEAR:
            text = f"adapters stand beside matrices of attention and MLP, and {group} has none"
            raise LesionError(f'{text}: train it in full, with trainable = "full"', field="groups")

    def check_codes(self) -> None:
        """See OptionsTable."""
        if self.trainable == "full":
            text = "codes cannot take steps, and model.load_in stores weights as codes"
            raise LesionError(f'{text}: give trainable = "lora", or leave model.load_in out', field="options.trainable")


class CatalystOptions(TrainingOptions):
    """Of catalyst."""

    objective: Literal["null_projection", "loss"] = Field(
        "null_projection", description="what tokens are sought for: a gradient along the directions, or a large loss"
    )
    curvature: Literal["near_null", "leading", "published"] = Field(
        "near_null",
        description="directions sought: flattest, steepest, or published, which finds steepest",
    )
    directions: Int = Field(10, ge=1, le=1000, description="how many directions")
    iterations: Int = Field(100, ge=1, le=100_000, description="steps in search of a direction")
    search_steps: Int = Field(50, ge=0, le=100_000, description="steps of gradient ascent in search of tokens")
    search_rate: Float = Field(
        0.3, gt=0, le=1000, description="size of such a step, as an angle; a small one moves no token to another"
    )

    def training(self) -> Training:
        """See OptionsTable."""
        return replace(super().training(), directions=self.directions if self.objective != "loss" else 0)

    def effort(self, level: float) -> Effort:
        """See OptionsTable: a product with the Hessian is a pass backward through a pass backward, and a flat direction
        takes two of them a step."""
        sought = self.directions if self.objective != "loss" else 0
        products = sought * self.iterations * (2 if self.curvature == "near_null" else 1)
        return self._passes(3 * level + (6 * products + 9 * self.search_steps if level else 0))


class NoiseOptions(TrainingOptions):
    """Of gaussian_noise."""

    scale: Float = Field(0.1, gt=0, le=1000, description="standard deviation of the embeddings")


class RandomTextOptions(TrainingOptions):
    """Of random_text."""

    text: TextName = Field("auto", description="where the text is drawn from")
    documents: Int = Field(64, ge=1, le=100_000, description="how many documents it is drawn from at most")


class HealOptions(RandomTextOptions):
    """Of heal: every step reads another stretch of the text."""

    def check_first(self, first: bool) -> None:
        """See OptionsTable."""
        if first:
            text = "heals what was damaged before, and nothing was: say what, as before = [{ method = …, groups = […], "
            raise LesionError(f"{text}levels = […] }}]", field="before")
