"""What there is to know of each thing that exists before it is loaded: plain data, with no torch."""

from dataclasses import dataclass
from typing import Literal

from engine.catalog.levels import LevelInfo
from engine.errors import LesionError

DRAW_VERSION = 1
"""Version of the function that turns a seed into random numbers; part of every trial's key."""

SAMPLER_VERSION = 2
"""Version of the function that chooses the next token of a sampled text. 1 inverted a cumulative sum over the
vocabulary; 2 adds a noise of its own to every token's logit."""


ActsOn = Literal["slice", "group", "blocks", "selection", "model"]


@dataclass(frozen=True)
class MetricInfo:
    """A number that a measurement yields. `log`: charts draw it on a logarithmic axis. A `*` in its name stands for
    what only the measurement knows, such as a task."""

    name: str
    summary: str
    unit: str
    better: Literal["lower", "higher"] | None
    log: bool = False
    from_baseline: bool = False
    """Whether it is measured from the baseline already, so that a change from the baseline would mean nothing."""


@dataclass(frozen=True)
class MethodInfo:
    """A way to damage weights. `draws`: it uses random numbers, so seeds give different results."""

    name: str
    summary: str
    level: LevelInfo | None
    draws: bool
    implementation: str
    """Import path; empty for `none`, which does nothing."""
    options: str = ""
    """Import path of the table of what it leaves open, an OptionsTable of engine.profile; empty: nothing."""
    acts_on: ActsOn = "slice"
    """What the implementation is given: one slice at a time, all slices of the group at once, blocks to bypass, the
    first share, as large as the level, of the weights selected in order; or the model, with all that there is to know:
    a function `damage(context) -> Damaged` of engine.methods."""
    elementwise: bool = True
    """Whether it can be confined to some of the weights, by `select`."""
    groups: tuple[str, ...] = ()
    """The groups that it can be done to; empty: any."""
    walks: bool = False
    """Whether one walk from the neutral level passes every level of a seed (optimiser steps): the implementation is
    then a function `walk(context)` that yields a Damaged at each level. For methods that act on the model."""
    package: str = ""
    metrics: tuple[MetricInfo, ...] = ()
    """Numbers of its own that it yields, beside those of the measurements."""
    on_codes: bool = True
    """Whether it can be done to weights that are stored as 8-bit or 4-bit codes."""


@dataclass(frozen=True)
class ScoreInfo:
    """A way to say how much each weight matters. `draws`: it uses random numbers, so seeds give different results."""

    name: str
    summary: str
    implementation: str
    reads_text: bool = True
    draws: bool = False
    on_codes: bool = False
    """Whether it can be computed where weights are stored as 8-bit or 4-bit codes."""
    package: str = ""
    not_in: tuple[str, ...] = ()
    """Groups that hold weights which it does not apply to, in every model."""
    version: int = 1
    """Grows when its values change for the same weights and text."""

    def check(self, group: str) -> None:
        """Raises LesionError for a group that the score does not apply to."""
        if group in self.not_in:
            raise LesionError(f"the score {self.name} does not apply to all of {group}: {self.summary}")


@dataclass(frozen=True)
class GroupInfo:
    """A named set of slices of parameters. `narrowed_by`: which of layers, heads and experts can narrow it."""

    name: str
    summary: str
    narrowed_by: tuple[str, ...] = ("layers",)
    packable: bool = True
    """Whether `load_in` turns weights of it into codes."""

    def check(self, **narrowed: object) -> None:
        """Raises LesionError, with the key as its field, where one of these keys is not None but cannot narrow it."""
        for key, numbers in narrowed.items():
            if numbers is not None and key not in self.narrowed_by:
                where = "lies outside the layers" if key == "layers" else f"has no {key}"
                mend = "leave them out, or give it a [[damage]] of its own"
                raise LesionError(f"{key} narrow nothing in {self.name}, which {where}: {mend}", field=key)


@dataclass(frozen=True)
class MeasurementInfo:
    """Something observed on a model. `table`: for one that a package adds, the import path of its table in a profile, a
    MeasureTable of engine.profile."""

    name: str
    summary: str
    metrics: tuple[MetricInfo, ...]
    implementation: str
    headlines: tuple[str, ...] = ()
    """The metrics that charts draw when none is named; empty: the first."""
    table: str = ""
    package: str = ""
    version: int = 1
    """Grows when its metrics change for the same weights and options."""


@dataclass(frozen=True)
class ModelInfo:
    """A bundled model."""

    name: str
    summary: str
    parameters: int


@dataclass(frozen=True)
class ArchitectureInfo:
    """How one model family lays out its parts."""

    name: str
    families: str
    implementation: str
    package: str = ""


@dataclass(frozen=True)
class PromptSetInfo:
    """A list of prompts: a bundled file of its name, the prompts themselves, a file of the package that adds it
    ("package:folder/file.txt", or .jsonl), or other sets joined."""

    name: str
    summary: str
    parts: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    file: str = ""
    package: str = ""


@dataclass(frozen=True)
class TextInfo:
    """A bundled text for perplexity."""

    name: str
    summary: str


class TaskInfo(TextInfo):
    """A bundled list of multiple-choice questions."""


@dataclass(frozen=True)
class Additions:
    """What an installed package adds: the object that its entry point of the group `lesion.catalog` names, in a module
    that does not import torch. The catalog notes the `package` of each, with its version; Lesion's own have none."""

    methods: tuple[MethodInfo, ...] = ()
    scores: tuple[ScoreInfo, ...] = ()
    measurements: tuple[MeasurementInfo, ...] = ()
    prompt_sets: tuple[PromptSetInfo, ...] = ()
    architectures: tuple[ArchitectureInfo, ...] = ()


class PictureInfo(TextInfo):
    """A bundled picture, for models that see."""
