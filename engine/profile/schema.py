"""What a profile may say: every table, key, default and bound."""

import re
from functools import partial
from itertools import product
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from engine import catalog
from engine.errors import LesionError
from engine.profile.choice import ByName
from engine.profile.counting import trial_count
from engine.profile.damage import Damage
from engine.profile.faults import fault, show
from engine.profile.fields import Bool, Float, Int, Table, Text, accept, must_exist, refuse_repeats
from engine.profile.layers import place_of
from engine.profile.measures import Measure, tables
from engine.profile.names import expand_models
from engine.profile.packing import check_loading, check_measurable, check_packable
from engine.profile.pictures import check_sight

_LARGEST_SEED = 2**31 - 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
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
        return accept(lambda given: expand_models(given, must_exist=must_exist(info)), names)

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
        accept(check_loading, self)
        return self


class Seeds(Table):
    """Repetitions: the seeds base + offset, base + offset + 1, …, `count` of them."""

    base: Int = Field(42, ge=0, le=_LARGEST_SEED, description="where seeds start")
    count: Int = Field(1, ge=1, le=100_000, description="how many repetitions")
    offset: Int = Field(0, ge=0, le=_LARGEST_SEED, description="1 where the first repetition is to use base + 1")


class RunSpec(Table):
    """How to run; none of this changes what a trial means."""

    threads: Int | None = Field(None, ge=1, le=1024, description="CPU threads of a worker; unset: every core")
    reuse: Bool = Field(
        True, description="start at the first damaged layer with what entered it before: the same result in less time"
    )
    attempts: Int = Field(2, ge=1, le=100, description="workers lost on one trial before it is recorded as failed")
    start_seconds: Float = Field(
        600.0, ge=1, le=1e6, description="how long a worker that is not ready yet may give no sign of life"
    )
    limit: Int = Field(1_000_000, ge=1, le=10**9, description="trials that the profile may make at most")


class Profile(Table):
    """A whole experiment."""

    model_config = ConfigDict(defer_build=True)  # until it is first used: then what packages add is read
    keys_of_files: ClassVar[tuple[str, ...]] = ("extends",)

    name: Text = Field(description="a short name, which the run's folder will bear")
    description: Text = Field("", description="what the experiment is for")
    model: ModelSpec = Field(description="which models, a [model] table with names = [...]")
    damage: tuple[Damage, ...] = Field(min_length=1, description="what is done to them, one [[damage]] table each")
    seeds: Seeds = Field(default_factory=Seeds, description="repetitions")
    measure: tuple[Annotated[Measure, ByName(tables)], ...] = Field(
        min_length=1, description="what is observed, one [[measure]] table each"
    )
    run: RunSpec = Field(default_factory=RunSpec, description="how to run it")

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise fault(f"{show(name)} cannot be a name; use up to 64 letters, digits, '.', '_' and '-'")
        return name

    @field_validator("measure")
    @classmethod
    def _check_measures(cls, measures: tuple[Measure, ...]) -> tuple[Measure, ...]:
        seen = set()
        measured: dict[str, str] = {}
        for position, measure in enumerate(measures):
            if (measure.name, measure.label) in seen:
                text = f"this is another {measure.name} with the same metrics' names; give it a label of its own"
                raise fault(LesionError(text, field=f"{position}.label"))
            seen.add((measure.name, measure.label))
            for metric in _metrics(measure):
                if metric in measured:
                    text = f"{measured[metric]} has a metric {metric} too; give one of them a label of its own"
                    raise fault(LesionError(text, field=f"{position}.label"))
                measured[metric] = measure.name
        return measures

    @model_validator(mode="after")
    def _check_size(self) -> "Profile":
        """Before anything is listed: a few keys can ask for more trials than memory holds."""
        if (count := trial_count(self)) > self.run.limit:
            about = "" if self.model.load_in == "none" else "at least "
            text = f"this profile makes {about}{count:,} trials, and {self.run.limit:,} is the limit"
            mend = "ask for fewer models, damages, levels or seeds, or raise run.limit"
            raise fault(LesionError(f"{text}: {mend}", field="run.limit"))
        return self

    @model_validator(mode="after")
    def _check_overlap(self) -> "Profile":
        first: dict[tuple[Any, ...], int] = {}
        for position, table in enumerate(self.damage):
            for single in (single for one in table.separate() for single in one.singles):
                _refuse_overlap(single, position, first)
        return self

    @model_validator(mode="after")
    def _refuse_codes(self) -> "Profile":
        for position, damage in enumerate(self.damage if self.model.load_in != "none" else ()):
            accept(partial(check_packable, position), damage)
        for position, measure in enumerate(self.measure if self.model.load_in != "none" else ()):
            accept(partial(check_measurable, position), measure)
        return self

    @property
    def shows_pictures(self) -> bool:
        """Whether any measurement shows a picture to the models."""
        return any(_picture(measure) for measure in self.measure)

    @model_validator(mode="after")
    def _refuse_pictures_for_the_blind(self, info: ValidationInfo) -> "Profile":
        asked = [position for position, measure in enumerate(self.measure) if _picture(measure)]
        for position in asked if must_exist(info) else []:
            for name in self.model.names:
                try:
                    check_sight(name)
                except LesionError as error:
                    raise fault(LesionError(str(error), field=f"measure.{position}.image")) from None
        return self


def _metrics(measure: Measure) -> list[str]:
    """What the metrics of a measurement are called, but those of which only the measurement knows the name."""
    names = [metric.name for metric in catalog.measurements()[measure.name].metrics if "*" not in metric.name]
    return [f"{measure.label}.{name}" if measure.label else name for name in names]


def _refuse_overlap(damage: Damage, position: int, first: dict[tuple[Any, ...], int]) -> None:
    """`first`: what earlier tables ask for, and which of them; this table's wishes are added."""
    narrowed = tuple(place_of(given) for given in (damage.layers, damage.heads, damage.experts))
    rest = (*narrowed, str(damage.options), str(damage.select.identity if damage.select else None))
    for group, level in product(damage.groups, damage.levels):
        same = (damage.method, group, f"{level:.10g}", *rest)
        if same in first:
            wanted = f"{damage.method} on {group} at level {level:.10g}"
            text = f"{wanted} is already asked for by damage.{first[same]}; once is enough"
            raise fault(LesionError(text, field=f"damage.{position}"))
        first[same] = position


def _picture(measure: Measure) -> str | None:
    """The picture that a measurement shows; None for most."""
    return getattr(measure, "image", None)
