"""The [[measure]] tables: what is observed on a model, and with which options."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from engine import catalog
from engine.errors import LesionError
from engine.profile.faults import fault, show
from engine.profile.fields import Bool, Float, Int, Table, Text, accept, must_exist
from engine.profile.names import check_file

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")


def _check_label(label: str | None) -> str | None:
    if label is not None and not _LABEL.fullmatch(label):
        raise fault(f"{show(label)} cannot be a label; use a letter, then up to 31 letters, digits, _ or -")
    return label


Label = Annotated[Text | None, BeforeValidator(lambda label: _check_label(label) if isinstance(label, str) else label)]
_LABEL_FIELD = Field(None, description='stands before the metrics\' names ("label.perplexity"); unset: nothing does')


class PerplexityMeasure(Table):
    """How well the model predicts a text."""

    name: Literal["perplexity"] = "perplexity"
    label: Label = _LABEL_FIELD
    text: Text = Field("auto", description="a bundled text, or a .txt file with blank lines between its documents")
    documents: Int | None = Field(None, ge=1, description="how many documents at most; unset: all")
    context: Int | None = Field(None, ge=2, description="tokens in a window; unset: as many as the model reads")
    stride: Int | None = Field(None, ge=1, description="tokens from window to window; unset: half the context")
    batch_size: Int = Field(16, ge=1, le=4096, description="windows evaluated together")

    @field_validator("text")
    @classmethod
    def _check_text(cls, text: str, info: ValidationInfo) -> str:
        accept(lambda name: check_file(name, catalog.texts(), "text", must_exist=must_exist(info)), text)
        return text

    @model_validator(mode="after")
    def _check_stride(self) -> "PerplexityMeasure":
        if self.context and self.stride and self.stride >= self.context:
            text = f"must be less than the context, {self.context}, or tokens would be left out, not {self.stride}"
            raise fault(LesionError(text, field="stride"))
        return self


def _check_chat(chat: Any) -> Any:
    if chat is True or chat is False or chat == "auto":
        return chat
    raise fault(f"must be true, false or 'auto', not {show(chat)}")


def _check_prompts(prompts: Any) -> Any:
    if isinstance(prompts, list | tuple):
        if not prompts or not all(isinstance(prompt, str) and prompt.strip() for prompt in prompts):
            raise fault("a list of prompts needs at least one entry, and every entry is text that is not empty")
        return tuple(prompts)
    if isinstance(prompts, str):
        return prompts
    raise fault(f"must be a prompt set, a file or a list of prompts, not {show(prompts)}")


class GenerationMeasure(Table):
    """What the model writes after each prompt."""

    name: Literal["generation"] = "generation"
    label: Label = _LABEL_FIELD
    prompts: Annotated[str | tuple[str, ...], BeforeValidator(_check_prompts)] = Field(
        "auto", description="a bundled prompt set, a file with one prompt a line, or a list of prompts"
    )
    limit: Int | None = Field(None, ge=1, description="how many prompts at most; unset: all")
    max_new_tokens: Int = Field(64, ge=1, le=100_000, description="tokens written at most after a prompt")
    sample: Bool = Field(True, description="draw tokens at random; false: always the likeliest")
    temperature: Float = Field(1.0, gt=0, le=100, description="sharpness of sampling; lower is safer")
    batch_size: Int = Field(40, ge=1, le=4096, description="prompts answered together")
    chat: Annotated[Bool | Literal["auto"], BeforeValidator(_check_chat)] = Field(
        "auto", description="wrap prompts in the model's chat template; auto: where it has one"
    )

    @field_validator("prompts")
    @classmethod
    def _check_prompt_set(cls, prompts: str | tuple[str, ...], info: ValidationInfo) -> str | tuple[str, ...]:
        if isinstance(prompts, str):
            exist = must_exist(info)
            accept(lambda name: check_file(name, catalog.prompt_sets(), "prompt set", must_exist=exist), prompts)
        return prompts


Measure = PerplexityMeasure | GenerationMeasure
