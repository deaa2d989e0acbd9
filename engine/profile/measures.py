"""The [[measure]] tables: what every measurement's table answers, and the bases of those that read.

The table of each measurement is beside its implementation: engine/measure/<name>/table.py.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field

from engine import catalog
from engine.catalog.columns import labelled
from engine.profile.demand import Effort, Group, Load, most_tokens, tokens
from engine.profile.faults import fault, show
from engine.profile.fields import Int, Table, Text
from engine.profile.hashing import digest
from engine.profile.inputs import Input, PictureInput, Prompts, TextName, inputs_of
from engine.profile.names import AUTO
from engine.profile.scoring import ScoreSpec
from engine.profile.texts import documents, prompts, questions

PETRI_DOCUMENTS = 64
"""Documents of the bundled petri text, which has no end of its own, where a profile does not say how many."""

_BACKWARD = 3
"""Forward passes that a pass forward and backward costs."""

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")


def _check_label(label: str | None) -> str | None:
    if label is not None and not _LABEL.fullmatch(label):
        raise fault(f"{show(label)} cannot be a label; use a letter, then up to 31 letters, digits, _ or -")
    return label


Label = Annotated[Text | None, BeforeValidator(lambda label: _check_label(label) if isinstance(label, str) else label)]
_LABEL_FIELD = Field(None, description='stands before the metrics\' names ("label.perplexity"); unset: nothing does')


class MeasureTable(Table):
    """What all measurements share. One derives from this, or from TextTable, PromptTable or ScoredTextTable, and says
    `name: Literal["its-name"] = "its-name"`; where inputs are taken together, `batch_size` is how many at first.
    """

    is_measure_table: ClassVar[bool] = True
    starts_late: ClassVar[bool] = False
    """Whether its passes may start at the first damaged layer: the implementation has a `can_start_at` of its own."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Optional packages that have a part in its results, by their names on the package index."""

    name: str
    label: Label = _LABEL_FIELD

    @property
    def key(self) -> str:
        """What tells it from the others of a profile: "perplexity", or "label.perplexity"."""
        return labelled(self.label, self.name)

    @property
    def rows(self) -> int:
        """How many inputs it takes together at first; 1 where it does not say."""
        return int(getattr(self, "batch_size", 1))

    @property
    def draws(self) -> bool:
        """Whether it uses random numbers, so that it needs the trial's seed."""
        return False

    @property
    def sampled(self) -> bool:
        """Whether it writes texts whose tokens are drawn by the sampler, whose version then counts."""
        return False

    @property
    def ranked_by(self) -> tuple[str, ...]:
        """The scores that it computes, whose versions then count."""
        return ()

    def made_on(self, baseline: bool) -> bool:
        """Whether it is made on baselines, or else on damaged models."""
        return True

    def load(self, folder: Path) -> Load:
        """The largest batch that it runs; relative paths start from `folder`. Where nothing is known, one that reads
        takes the model's whole context."""
        return Load(self.rows if hasattr(self, "batch_size") else 0, None, name=self.key)

    def effort(self, folder: Path) -> Effort:
        """What one trial asks for; nothing where that is not known."""
        return Effort(0, 0, 0)

    def scorings(self, folder: Path) -> list[tuple[ScoreSpec, Group]]:
        """The scores that it computes, each with the group that it is computed for."""
        return []

    def remarks(self, petri: Sequence[bool]) -> list[str]:
        """What is allowed but may surprise, in sentences; `petri`: which of the models are petri models."""
        return []

    def check_codes(self) -> None:
        """Raises LesionError, with the key as its field, where it cannot be made on weights stored as codes."""
        return

    def check_code(self) -> None:
        """Raises RemoteCodeError where what it names could run program code; LesionError where that cannot be read."""
        return

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

    def load(self, folder: Path) -> Load:
        """See MeasureTable: every document read once, nothing predicted."""
        read = documents(self, folder)
        return Load(self.rows, max(map(most_tokens, read)), logits=0, name=self.key, texts=len(read))

    def effort(self, folder: Path) -> Effort:
        """See MeasureTable."""
        lengths = [tokens(text) for text in documents(self, folder)]
        return Effort(-(-len(lengths) // self.rows), sum(lengths), 0)

    def remarks(self, petri: Sequence[bool]) -> list[str]:
        """See MeasureTable."""
        sentences = super().remarks(petri)
        if self.text == "petri" and not all(petri):
            sentences.append(f"{self.name} on petri text means little for models that never learnt that language")
        if self.text == "english" and any(petri):
            sentences.append(f"{self.name} on English means little for petri models, which never learnt it")
        return sentences


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

    def load(self, folder: Path) -> Load:
        """See MeasureTable: every prompt read once, nothing predicted."""
        lengths = [most_tokens(text) for text in prompts(self, folder)]
        return Load(self.rows, max(lengths), logits=0, name=self.key, texts=len(lengths))

    def effort(self, folder: Path) -> Effort:
        """See MeasureTable."""
        lengths = [tokens(text) for text in prompts(self, folder)]
        return Effort(-(-len(lengths) // self.rows), sum(lengths), 0)


class ScoredTextTable(TextTable):
    """A measurement that takes a model's loss over some documents, of the undamaged model alone unless told to."""

    documents: Int | None = Field(8, ge=1, le=100_000, description="how many documents of the text at most")
    context: Int = Field(256, ge=2, le=10**6, description="tokens in a window, where the model reads as many")
    batch_size: Int = Field(8, ge=1, le=4096, description="windows read together")
    trials: Literal["baseline", "all"] = Field(
        "baseline", description="baseline: of the undamaged model alone, whatever the damage; all: of every trial"
    )

    def made_on(self, baseline: bool) -> bool:
        """See MeasureTable."""
        return baseline or self.trials == "all"

    def load(self, folder: Path) -> Load:
        """See MeasureTable."""
        lengths = [min(most_tokens(text), self.context) for text in documents(self, folder)]
        return Load(self.rows, max(lengths), name=self.key, texts=len(lengths))

    def effort(self, folder: Path) -> Effort:
        """See MeasureTable: forward and backward, counted as tokens alone."""
        read = sum(min(tokens(text), self.context) for text in documents(self, folder))
        return Effort(0, _BACKWARD * read, _BACKWARD * read)


Measure = MeasureTable


def tables() -> tuple[type[MeasureTable], ...]:
    """The table of every measurement, those that installed packages add last."""
    return tuple(catalog.load(info.table) for info in catalog.measurements().values())
