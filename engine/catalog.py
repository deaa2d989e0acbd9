"""What exists: methods, parameter groups, measurements, bundled models, prompt sets and texts, by name and description.

Nothing here loads torch. Implementations are named by import path and loaded, with `load`, only where they run.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, TypeVar

from engine.errors import LesionError, suggestion

DRAW_VERSION = 1
"""Version of the function that turns a seed into random numbers; part of every trial's key."""

Spacing = Literal["linear", "geometric"]


@dataclass(frozen=True)
class LevelInfo:
    """The meaning of a method's level, its bounds, and how a range of levels is spaced."""

    symbol: str
    meaning: str
    low: float
    high: float
    low_open: bool = False
    spacing: Spacing = "linear"
    integer: bool = False
    neutral: float | None = None
    """The level at which nothing changes; None where there is no such level."""
    descending: bool = False
    """Whether damage grows as the level falls."""

    @property
    def bounds(self) -> str:
        """What is accepted, in words: "a number from 0 to 1"."""
        kind = "a whole number" if self.integer else "a number"
        start = f"above {self.low:g} and up to" if self.low_open else f"from {self.low:g} to"
        return f"{kind} {start} {self.high:g}"

    def check(self, level: float) -> None:
        """Raises LesionError unless `level` is finite, within bounds, and whole where it must be."""
        above = level > self.low if self.low_open else level >= self.low
        if not (math.isfinite(level) and above and level <= self.high and (not self.integer or level == int(level))):
            raise LesionError(f"level {level:.10g} is not possible: {self.symbol}, {self.meaning}, is {self.bounds}")

    def spread(self, start: float, stop: float, steps: int, spacing: Spacing | None = None) -> list[float]:
        """Levels from `start` to `stop`, both included, rounded to ten significant digits (whole levels: to whole
        numbers, each once, so there may be fewer than `steps`).

        Raises LesionError for fewer than two steps, or geometric spacing from or to a level that is not above 0.
        """
        if steps < 2:
            raise LesionError(f"a range of levels needs at least 2 steps, not {steps}")
        if (spacing or self.spacing) == "geometric":
            if start <= 0 or stop <= 0:
                raise LesionError(f"geometric spacing needs levels above 0, not from {start:g} to {stop:g}")
            values = [start * (stop / start) ** (i / (steps - 1)) for i in range(steps)]
        else:
            values = [start + (stop - start) * i / (steps - 1) for i in range(steps)]
        if self.integer:
            return list(dict.fromkeys(max(float(round(value)), self.low) for value in values))
        return [float(f"{value:.10g}") for value in values]


@dataclass(frozen=True)
class MethodInfo:
    """A way to damage weights. `draws`: it uses random numbers, so seeds give different results."""

    name: str
    summary: str
    level: LevelInfo | None
    draws: bool
    implementation: str
    """Import path; empty for `none`, which does nothing."""


@dataclass(frozen=True)
class GroupInfo:
    """A named set of slices of parameters."""

    name: str
    summary: str


@dataclass(frozen=True)
class MetricInfo:
    """A number that a measurement yields. `log`: charts draw it on a logarithmic axis."""

    name: str
    summary: str
    unit: str
    better: Literal["lower", "higher"] | None
    log: bool = False


@dataclass(frozen=True)
class MeasurementInfo:
    """Something observed on a model."""

    name: str
    summary: str
    metrics: tuple[MetricInfo, ...]
    implementation: str


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


@dataclass(frozen=True)
class PromptSetInfo:
    """A bundled list of prompts."""

    name: str
    summary: str


@dataclass(frozen=True)
class TextInfo:
    """A bundled text for perplexity."""

    name: str
    summary: str


_METHODS = (
    MethodInfo("none", "no damage: the baseline alone", None, draws=False, implementation=""),
    MethodInfo(
        "mult_gauss",
        "every weight is multiplied by a random factor from N(1, σ)",
        LevelInfo("σ", "the standard deviation of the factor", low=0.0, high=100.0, neutral=0.0),
        draws=True,
        implementation="engine.methods.noise:mult_gauss",
    ),
    MethodInfo(
        "ablation",
        "every weight is set to zero with probability p",
        LevelInfo("p", "the probability that a weight is zeroed", low=0.0, high=1.0, neutral=0.0),
        draws=True,
        implementation="engine.methods.ablation:ablation",
    ),
    MethodInfo(
        "uni_quant",
        "weights are rounded to n evenly spaced values between the smallest and the largest of their tensor",
        LevelInfo(
            "n",
            "the number of values left",
            low=2.0,
            high=65536.0,
            spacing="geometric",
            integer=True,
            descending=True,
        ),
        draws=False,
        implementation="engine.methods.quantise:uni_quant",
    ),
)

_GROUPS = (
    GroupInfo("attn_only", "the value projections of attention, as in the degradation protocol (the same as attn_v)"),
    GroupInfo("mlp_only", "the MLP's matrices: up and down, and the gate where there is one"),
    GroupInfo("embed_only", "the token embedding"),
    GroupInfo("attn_q", "the query projections of attention"),
    GroupInfo("attn_k", "the key projections of attention"),
    GroupInfo("attn_v", "the value projections of attention"),
    GroupInfo("attn_o", "the output projections of attention"),
    GroupInfo("attn_all", "all four projections of attention: query, key, value and output"),
    GroupInfo("all", "every parameter of the language model, biases and norms too"),
)

_MEASUREMENTS = (
    MeasurementInfo(
        "perplexity",
        "how well the model predicts a text, token by token",
        (
            MetricInfo("perplexity", "exp of the mean loss; 1 is certainty", "", "lower", log=True),
            MetricInfo("nll", "mean negative log-likelihood", "nats/token", "lower"),
            MetricInfo("token_accuracy", "share of tokens that were the model's first choice", "share", "higher"),
            MetricInfo("kl", "divergence of the predictions from the baseline's", "nats/token", "lower"),
        ),
        "engine.measure.perplexity:Perplexity",
    ),
    MeasurementInfo(
        "generation",
        "what the model writes after each of a set of prompts",
        (
            MetricInfo("generated_tokens", "mean length of a text", "tokens", None),
            MetricInfo("stopped_eos", "share of texts that the model ended by itself", "share", None),
            MetricInfo("seconds_per_text", "time to write one text", "s", "lower"),
        ),
        "engine.measure.generation:Generation",
    ),
)

_ARCHITECTURES = (
    ArchitectureInfo("neox", "GPT-NeoX, Pythia and the petri models", "engine.models.layouts.neox:NEOX"),
    ArchitectureInfo("gpt2", "GPT-2", "engine.models.layouts.gpt2:GPT2"),
    ArchitectureInfo("llama", "Llama, SmolLM and their kin", "engine.models.layouts.llama:LLAMA"),
)

_PROMPT_SETS = (
    PromptSetInfo("short", "8 everyday questions and openings"),
    PromptSetInfo("petri", "8 openings in the language of the petri models"),
    PromptSetInfo("dreams", "38 ways to ask for a dream"),
)

_TEXTS = (
    TextInfo("petri", "documents in the petri models' own language that none of them was trained on"),
    TextInfo("english", "English prose: instructions, stories, letters, science explained"),
)

_Info = TypeVar("_Info", MethodInfo, GroupInfo, MeasurementInfo, ModelInfo, ArchitectureInfo, PromptSetInfo, TextInfo)


def methods() -> dict[str, MethodInfo]:
    """Every method by name."""
    return _by_name(_METHODS)


def groups() -> dict[str, GroupInfo]:
    """Every parameter group by name."""
    return _by_name(_GROUPS)


def measurements() -> dict[str, MeasurementInfo]:
    """Every measurement by name."""
    return _by_name(_MEASUREMENTS)


def models() -> dict[str, ModelInfo]:
    """Every bundled model by name, smallest first."""
    from engine.petri import SIZES

    bundled = []
    for name, size in SIZES.items():
        shape = f"{size.layers} layers, hidden size {size.hidden}, {size.heads} heads"
        bundled.append(ModelInfo(name, shape, size.embedding + size.non_embedding))
    return _by_name(bundled)


def architectures() -> dict[str, ArchitectureInfo]:
    """Every supported architecture by name."""
    return _by_name(_ARCHITECTURES)


def prompt_sets() -> dict[str, PromptSetInfo]:
    """Every bundled prompt set by name."""
    return _by_name(_PROMPT_SETS)


def texts() -> dict[str, TextInfo]:
    """Every bundled text by name."""
    return _by_name(_TEXTS)


def method(name: str) -> MethodInfo:
    """The method called `name`. Raises LesionError when there is none."""
    return _find("method", name, methods())


def group(name: str) -> GroupInfo:
    """The parameter group called `name`. Raises LesionError when there is none."""
    return _find("parameter group", name, groups())


def measurement(name: str) -> MeasurementInfo:
    """The measurement called `name`. Raises LesionError when there is none."""
    return _find("measurement", name, measurements())


def model(name: str) -> ModelInfo:
    """The bundled model called `name`. Raises LesionError when there is none."""
    return _find("bundled model", name, models())


def load(path: str) -> Any:
    """The object that an import path "module:attribute" of this catalog names; loads what the module loads."""
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)


def _by_name(infos: Iterable[_Info]) -> dict[str, _Info]:
    return {info.name: info for info in infos}


def _find(kind: str, name: str, known: dict[str, _Info]) -> _Info:
    if name not in known:
        raise LesionError(f"there is no {kind} '{name}'{suggestion(name, known)}")
    return known[name]
