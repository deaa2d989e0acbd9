"""The [model] table: which models, and how they are loaded."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from engine.errors import LesionError
from engine.profile.faults import fault, show
from engine.profile.fields import Bool, Table, Text, accept, must_exist, refuse_repeats
from engine.profile.names import expand_models

_REVISION = re.compile(r"[!-~]{1,200}")
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")
_Sha256 = Annotated[Text, Field(pattern="^[0-9a-f]{64}$")]


class ModelDigests(Table):
    """What a model in a folder or file holds, as engine.profile.content tells it."""

    weights: _Sha256 = Field(description="sha256 of the weights")
    settings: _Sha256 | None = Field(
        None,
        description="sha256 of configuration, tokenizer, templates and code; unset: a .gguf file has all",
    )


class ModelSpec(Table):
    """The models to try, and how to load them."""

    names: tuple[Text, ...] = Field(
        min_length=1,
        description="models: petri-*, Hub ids, families such as 'pythia:*', folders or .gguf files "
        "(paths start with ., / or ~)",
    )
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = Field(
        "auto", description="number format of the weights; auto: the model's own"
    )
    device: Text = Field("auto", description="where to run: auto, cpu, cuda or cuda:1")
    device_map: Literal["auto"] | None = Field(
        None, description="auto: spread a model that is too big for one GPU over all of them; unset: one device"
    )
    load_in: Literal["none", "8bit", "4bit"] = Field(
        "none",
        description="store linear layers (not embeddings, norms, output head) as bitsandbytes' codes of 8 or 4 bits; "
        "damage is done to the numbers they mean, which are then stored as codes again",
    )
    quant_type: Literal["nf4", "fp4"] | None = Field(
        None, description="with 4bit: the 16 values that a code can mean; unset: nf4"
    )
    double_quant: Bool | None = Field(
        None, description="with 4bit: whether the codes' scales are stored as codes, too; unset: false"
    )
    allow_pickle: Bool = Field(False, description="accept weights stored as pickles, which can run code when loaded")
    revision: Text | None = Field(None, description="branch, tag or commit on the Hub; unset: the default branch")
    fit: Bool = Field(False, description="leave out the models that do not fit into memory when the run is made")
    digests: dict[str, ModelDigests] | None = Field(
        None,
        description="by name, what the models that are folders or files hold; written when a run is made: a trial is "
        "known by it wherever the files lie, and other weights are refused",
    )

    @field_validator("names", mode="before")
    @classmethod
    def _expand_names(cls, names: Any, info: ValidationInfo) -> Any:
        """One name may stand without a list; families become their members."""
        names = [names] if isinstance(names, str) else names
        if not isinstance(names, list | tuple):
            return names
        return accept(lambda listed: expand_models(listed, must_exist=must_exist(info)), names)

    @field_validator("names")
    @classmethod
    def _refuse_repeated_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        refuse_repeats(names, "model")
        return names

    @field_validator("revision")
    @classmethod
    def _check_revision(cls, revision: str | None) -> str | None:
        if revision is not None and not _REVISION.fullmatch(revision):
            raise fault(f"{show(revision)} is no branch, tag or commit; one is up to 200 characters without blanks")
        return revision

    @field_validator("device")
    @classmethod
    def _check_device(cls, device: str) -> str:
        if not _DEVICE.fullmatch(device):
            raise fault(f"{show(device)} is no device; give auto, cpu, cuda, or one GPU such as cuda:1")
        return device

    @model_validator(mode="after")
    def _check_device_map(self) -> "ModelSpec":
        if self.device_map and self.device.startswith("cuda:"):
            text = f"spreads a model over all GPUs, and device = {show(self.device)} is one: leave either out"
            raise fault(LesionError(text, field="device_map"))
        if self.device_map and self.load_in != "none":
            text = f"spreads a model over all GPUs, and load_in = {show(self.load_in)} needs one: leave either out"
            raise fault(LesionError(text, field="device_map"))
        return self

    def identity(self, name: str) -> str | dict[str, str]:
        """What a trial of the model called `name` is known by: what its files hold, where that is noted."""
        noted = (self.digests or {}).get(name)
        return noted.model_dump(exclude_none=True) if noted else name

    @model_validator(mode="after")
    def _check_packing(self) -> "ModelSpec":
        accept(_check_loading, self)
        return self


def _check_loading(spec: ModelSpec) -> None:
    """Raises LesionError for options of codes that are not asked for, and for models that cannot be packed."""
    for key in ("quant_type", "double_quant"):
        if getattr(spec, key) and spec.load_in != "4bit":
            raise LesionError(f'changes nothing with load_in = "{spec.load_in}": leave it out', field=key)
    ggufs = [name for name in spec.names if name.endswith(".gguf")]
    if ggufs and spec.load_in != "none":
        text = f"{ggufs[0]} cannot be loaded in {spec.load_in}: .gguf files become ordinary weights"
        raise LesionError(f"{text}; give the original model, or leave load_in out", field="load_in")
