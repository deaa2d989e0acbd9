"""The [[measure]] tables: what is observed on a model, and with which options."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from engine import catalog
from engine.errors import LesionError
from engine.profile.choice import OneOf
from engine.profile.faults import fault, show
from engine.profile.fields import Bool, Counts, Float, Int, Table, Text, WhichLayers, accept, must_exist, refuse_repeats
from engine.profile.harness import check_folder, check_harness, harness_version
from engine.profile.hashing import digest
from engine.profile.inputs import FolderInput, Input, PictureInput, PictureName, Prompts, TextName, inputs_of
from engine.profile.layers import same_layers
from engine.profile.names import AUTO
from engine.profile.tasks import choices
from engine.profile.texts import documents, questions

PETRI_DOCUMENTS = 64
"""Documents of the bundled petri text, which has no end of its own, where a profile does not say how many."""

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")


def _check_label(label: str | None) -> str | None:
    if label is not None and not _LABEL.fullmatch(label):
        raise fault(f"{show(label)} cannot be a label; use a letter, then up to 31 letters, digits, _ or -")
    return label


Label = Annotated[Text | None, BeforeValidator(lambda label: _check_label(label) if isinstance(label, str) else label)]
_LABEL_FIELD = Field(None, description='stands before the metrics\' names ("label.perplexity"); unset: nothing does')


class MeasureTable(Table):
    """What all measurements share. A package that adds one derives from this, or from TextTable or PromptTable, and
    says `name: Literal["its-name"] = "its-name"`; where inputs are taken together, `batch_size` is how many at first.
    """

    is_measure_table: ClassVar[bool] = True

    name: str
    label: Label = _LABEL_FIELD

    @property
    def draws(self) -> bool:
        """Whether it uses random numbers, so that it needs the trial's seed."""
        return False

    @property
    def sampled(self) -> bool:
        """Whether it writes texts whose tokens are drawn by the sampler, whose version then counts."""
        return False

    @classmethod
    def inputs(cls) -> dict[str, Input]:
        """Its keys that name texts, prompts, pictures, files or folders: those whose type says so."""
        return inputs_of(cls)

    @property
    def pictures(self) -> dict[str, str]:
        """By key, the pictures that it shows to the models."""
        kinds = self.inputs().items()
        shown = {key: getattr(self, key) for key, kind in kinds if isinstance(kind, PictureInput)}
        return {key: name for key, name in shown.items() if name is not None}

    def settled(self, petri: bool) -> Self:
        """Itself with every "auto" decided that models by their names decide; `petri`: all of them are petri models."""
        return self

    def identity(self, folder: Path) -> dict[str, Any]:
        """What its result depends on, as JSON: its options, with inputs by content instead of by name. Relative paths
        start from `folder`. Raises LesionError where an input cannot be read."""
        told_by_content = set(self.inputs()) | self.uncounted
        return self.model_dump(mode="json", exclude=told_by_content) | self.content(folder)

    @property
    def uncounted(self) -> set[str]:
        """The keys that change no result by themselves."""
        return set()

    def content(self, folder: Path) -> dict[str, Any]:
        """What its inputs hold, by key, as `identity` has it."""
        named = {key: (kind, getattr(self, key)) for key, kind in self.inputs().items()}
        return {key: kind.content(name, folder) for key, (kind, name) in named.items() if name is not None}


class TextTable(MeasureTable):
    """A measurement that reads documents."""

    text: TextName = Field("auto", description="a bundled text, or a .txt file with blank lines between its documents")
    documents: Int | None = Field(None, ge=1, description="how many documents at most; unset: all")

    def settled(self, petri: bool) -> Self:
        """See MeasureTable. The petri text has no end of its own, so it gets one."""
        text = ("petri" if petri else "english") if self.text == AUTO else self.text
        most = PETRI_DOCUMENTS if text == "petri" and self.documents is None else self.documents
        return self.model_copy(update={"text": text, "documents": most})

    @property
    def uncounted(self) -> set[str]:
        """See MeasureTable."""
        return {*super().uncounted, "documents"}

    def content(self, folder: Path) -> dict[str, Any]:
        """See MeasureTable."""
        held = super().content(folder)
        del held["text"]
        return {**held, "content": digest(documents(self, folder))}


class PerplexityMeasure(TextTable):
    """How well the model predicts a text."""

    name: Literal["perplexity"] = "perplexity"
    context: Int | None = Field(None, ge=2, description="tokens in a window; unset: as many as the model reads")
    stride: Int | None = Field(None, ge=1, description="tokens from window to window; unset: half the context")
    batch_size: Int = Field(16, ge=1, le=4096, description="windows evaluated together")

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


class PromptTable(MeasureTable):
    """A measurement that reads prompts. `usual` is the set that "auto" stands for on models other than petri, where no
    picture is shown; `grades`: texts are held against the prompts' answers, which then count."""

    usual: ClassVar[str] = "short"
    grades: ClassVar[bool] = True

    prompts: Prompts = Field(
        "auto", description="a bundled prompt set, a file (.txt: a prompt a line; .jsonl), or a list of prompts"
    )
    limit: Int | None = Field(None, ge=1, description="how many prompts at most; unset: all")

    def settled(self, petri: bool) -> Self:
        """See MeasureTable."""
        if self.prompts != AUTO:
            return self
        suited = "petri" if petri else "picture" if self.pictures else self.usual
        return self.model_copy(update={"prompts": suited})

    @property
    def uncounted(self) -> set[str]:
        """See MeasureTable."""
        return {*super().uncounted, "limit"}

    def content(self, folder: Path) -> dict[str, Any]:
        """See MeasureTable."""
        held = super().content(folder)
        del held["prompts"]
        asked = questions(self, folder)
        held["content"] = digest([question.prompt for question in asked])
        if self.grades and any(question.answers for question in asked):
            held["answers"] = digest([question.answers for question in asked])
        return held


class GenerationMeasure(PromptTable):
    """What the model writes after each prompt."""

    name: Literal["generation"] = "generation"
    image: PictureName | None = Field(
        None, description="a picture the prompts are about, bundled or a PNG, JPEG or WebP file; unset: none"
    )
    max_new_tokens: Int = Field(64, ge=1, le=100_000, description="tokens written at most after a prompt")
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


class GainsMeasure(PromptTable):
    """By how much attention and MLP amplify what they receive, layer by layer."""

    usual: ClassVar[str] = "gains4"
    grades: ClassVar[bool] = False

    name: Literal["gains"] = "gains"
    batch_size: Int = Field(16, ge=1, le=4096, description="prompts read together")


class ResidualGainMeasure(PromptTable):
    """By how much a block amplifies the residual stream at the last token."""

    usual: ClassVar[str] = "residual25"
    grades: ClassVar[bool] = False

    name: Literal["residual_gain"] = "residual_gain"
    batch_size: Int = Field(16, ge=1, le=4096, description="prompts read together")


class SpectrumMeasure(TextTable):
    """How many dimensions the outputs of a layer use."""

    name: Literal["spectrum"] = "spectrum"
    layers: WhichLayers | None = Field(
        None, description='layers observed: "0-5", "last 4" or [1, 3], counting from 0; unset: the middle one'
    )
    batch_size: Int = Field(16, ge=1, le=4096, description="documents read together")

    def identity(self, folder: Path) -> dict[str, Any]:
        """See MeasureTable. Layers count however they are spelt."""
        return super().identity(folder) | {"layers": same_layers(self.layers)}


class TasksMeasure(MeasureTable):
    """Which of several answers to a question the model finds likeliest."""

    name: Literal["tasks"] = "tasks"
    task: Annotated[Text, Input("task", catalog.tasks, auto=True)] = Field(
        "auto", description="a bundled task, or a .jsonl file of {question, choices, answer}; the first choice is 0"
    )
    limit: Int | None = Field(None, ge=1, description="how many questions at most; unset: all")
    batch_size: Int = Field(16, ge=1, le=4096, description="answers scored together")

    def settled(self, petri: bool) -> Self:
        """See MeasureTable."""
        return self.model_copy(update={"task": "petri" if petri else "basics"}) if self.task == AUTO else self

    @property
    def uncounted(self) -> set[str]:
        """See MeasureTable."""
        return {"limit"}

    def content(self, folder: Path) -> dict[str, Any]:
        """See MeasureTable."""
        return {"content": digest([asdict(choice) for choice in choices(self, folder)])}


class ScoredTextTable(TextTable):
    """A measurement that takes a model's loss over some documents, of the undamaged model alone unless told to."""

    documents: Int | None = Field(8, ge=1, le=100_000, description="how many documents of the text at most")
    context: Int = Field(256, ge=2, le=10**6, description="tokens in a window, where the model reads as many")
    batch_size: Int = Field(8, ge=1, le=4096, description="windows read together")
    trials: Literal["baseline", "all"] = Field(
        "baseline", description="baseline: of the undamaged model alone, whatever the damage; all: of every trial"
    )


class RankingMeasure(ScoredTextTable):
    """Which weights matter most by a score, and how far scores, texts and seeds agree on them."""

    name: Literal["ranking"] = "ranking"
    scores: tuple[Annotated[Text, OneOf(catalog.scores)], ...] = Field(
        ("grad_x_weight",), min_length=1, description="what weights are ranked by"
    )
    group: Annotated[Text, OneOf(catalog.groups)] = Field("all", description="among which parameters")
    layers: WhichLayers | None = Field(
        None, description='only these layers: "0-5", "last 4", "3" or [1, 3]; unset: all'
    )
    k: Counts = Field((10, 100), description="how many weights are listed, and compared; several, as [10, 100]")
    scope: Literal["global", "per_layer", "per_tensor"] = Field(
        "global", description="whether k is of the whole group, of each layer or of each parameter"
    )
    samples: Int = Field(2, ge=1, le=1000, description="parts of the text that are ranked by themselves; 1: none")
    seeds: Int = Field(1, ge=1, le=1000, description="repetitions of a score that draws (hutchinson)")
    probes: Int = Field(8, ge=1, le=100_000, description="random vectors of hutchinson")

    @field_validator("scores")
    @classmethod
    def _check_scores(cls, scores: tuple[str, ...]) -> tuple[str, ...]:
        for score in scores:
            accept(catalog.score, score)
        refuse_repeats(scores, "score")
        return scores

    @field_validator("group")
    @classmethod
    def _check_group(cls, group: str) -> str:
        return accept(catalog.group, group).name

    @model_validator(mode="after")
    def _check_whole(self) -> "RankingMeasure":
        accept(lambda layers: catalog.group(self.group).check(layers=layers), self.layers)
        for score in self.scores:
            accept(catalog.score(score).check, self.group)
        if self.documents is not None and self.samples > self.documents:
            text = f"{self.samples} samples need as many documents, and there are {self.documents} at most"
            raise fault(LesionError(text, field="samples"))
        if self.seeds > 1 and not any(catalog.score(score).draws for score in self.scores):
            raise fault(LesionError("changes nothing where no score draws: leave it out", field="seeds"))
        return self

    def identity(self, folder: Path) -> dict[str, Any]:
        """See MeasureTable. Layers count however they are spelt."""
        return super().identity(folder) | {"layers": same_layers(self.layers)}

    @property
    def counts(self) -> tuple[int, ...]:
        """Every k, rising."""
        return self.k if isinstance(self.k, tuple) else (self.k,)


class SuperWeightsMeasure(ScoredTextTable):
    """Single weights that make an activation spike, and what zeroing each of them does."""

    name: Literal["super_weights"] = "super_weights"
    prompt: Text | None = Field(None, description="what is read to see spikes; unset: the first document")
    times: Float = Field(10.0, gt=0, le=10**6, description="a spike is so many times the median of all layers")
    share: Float = Field(0.5, gt=0, le=1, description="of a spike's output comes at least this from the one weight")
    most: Int = Field(4, ge=1, le=1000, description="how many are zeroed to see what they do, largest spike first")


_TASK_FOLDER = FolderInput("one with task files (.yaml) of lm-evaluation-harness")


class HarnessMeasure(MeasureTable):
    """Tasks of lm-evaluation-harness."""

    name: Literal["lm_eval"] = "lm_eval"
    tasks: tuple[Text, ...] = Field(min_length=1, description="tasks and groups of tasks, by the harness's names")
    include_path: Annotated[Text, _TASK_FOLDER] | None = Field(
        None, description="a folder with task files (.yaml) of your own; Python code in it needs --trust-remote-code"
    )
    num_fewshot: Int | None = Field(None, ge=0, le=1000, description="examples before a question; unset: the task's")
    limit: Int | None = Field(None, ge=1, description="how many questions of a task at most; unset: all")
    chat: Bool = Field(False, description="wrap questions in the model's chat template")
    batch_size: Int = Field(16, ge=1, le=4096, description="requests answered together")

    @field_validator("tasks")
    @classmethod
    def _check_tasks(cls, tasks: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if must_exist(info):
            accept(lambda _: check_harness(), tasks)
        refuse_repeats(tasks, "task")
        return tasks

    @field_validator("include_path")
    @classmethod
    def _check_folder(cls, folder: str | None, info: ValidationInfo) -> str | None:
        if folder is not None and must_exist(info):
            accept(check_folder, folder)
        return folder

    @property
    def draws(self) -> bool:
        return self.num_fewshot != 0  # which examples stand before a question

    def content(self, folder: Path) -> dict[str, Any]:
        """See MeasureTable. The version of lm-evaluation-harness counts, too."""
        held = super().content(folder)
        files = {"files": held["include_path"]} if held else {}
        return {"version": harness_version(), **files}


def made_on(measure: MeasureTable, baseline: bool) -> bool:
    """Whether a measurement is made on baselines, or else on damaged models."""
    return baseline or getattr(measure, "trials", "all") == "all"


Measure = MeasureTable

OWN_TABLES: tuple[type[MeasureTable], ...] = (
    PerplexityMeasure,
    GenerationMeasure,
    GainsMeasure,
    ResidualGainMeasure,
    SpectrumMeasure,
    TasksMeasure,
    HarnessMeasure,
    RankingMeasure,
    SuperWeightsMeasure,
)


def tables() -> tuple[type[MeasureTable], ...]:
    """The table of every measurement, those that installed packages add last."""
    added = (info.table for info in catalog.measurements().values() if info.package)
    return (*OWN_TABLES, *(catalog.load(path) for path in added))


def batch_size(measure: MeasureTable) -> int:
    """How many inputs a measurement takes together at first; 1 where its table does not say."""
    return int(getattr(measure, "batch_size", 1))
