"""Where in a model a trial did its damage, part by part, and the label that is made of them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from engine.errors import LesionError
from engine.profile.layers import Layers, check_layers

_WORDS = {
    "documents": "{} documents",
    "context": "context {}",
    "batch_size": "batches of {}",
    "probes": "{} probes",
    "seed": "seed {}",
}


class StagePlaced(Protocol):
    """What tells what was done before, or after, what a trial is about."""

    @property
    def method(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def layers(self) -> Layers | None: ...
    @property
    def level(self) -> float: ...
    @property
    def heads(self) -> Layers | None: ...
    @property
    def experts(self) -> Layers | None: ...
    @property
    def select(self) -> Mapping[str, Any] | None: ...
    @property
    def options(self) -> Mapping[str, Any] | None: ...


class Placed(Protocol):
    """What a trial and its record both tell of where the damage was done."""

    @property
    def group(self) -> str | None: ...
    @property
    def layers(self) -> Layers | None: ...
    @property
    def heads(self) -> Layers | None: ...
    @property
    def experts(self) -> Layers | None: ...
    @property
    def select(self) -> Mapping[str, Any] | None: ...
    @property
    def options(self) -> Mapping[str, Any] | None: ...
    @property
    def before(self) -> Sequence[StagePlaced] | None: ...
    @property
    def then(self) -> Sequence[StagePlaced] | None: ...


@dataclass(frozen=True)
class Where:
    """A parameter group and what it was narrowed to; each a text, empty where it was not.

    `select` says which weights in a few words, `score` what they were ranked by, `options` what the method was told
    beyond its defaults, `before` and `then` what else was done to the model. A label (`mlp_only[0-5; heads 1,3; top_k
    100 magnitude; per=channel]`) is made of them, and nothing is ever read back from it.
    """

    part: str
    layers: str = ""
    heads: str = ""
    experts: str = ""
    select: str = ""
    score: str = ""
    options: str = ""
    before: str = ""
    then: str = ""

    @classmethod
    def of(cls, trial: Placed) -> "Where":
        """Of a trial, or of its record. A baseline has the empty part."""
        numbers = (trial.layers, trial.heads, trial.experts)
        where = cls.narrowed(trial.group or "", *numbers, select=trial.select, options=trial.options)
        return replace(where, before=stages_in_words(trial.before), then=stages_in_words(trial.then))

    @classmethod
    def narrowed(
        cls,
        group: str,
        *numbers: Layers | None,
        select: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> "Where":
        """A group with the layers, heads and experts that it is narrowed to, in this order; None where it is not. Of
        its weights those that `select` says (see `Select.identity`), and the method's `options`."""
        where = cls(group, *map(_numbers, numbers))
        return replace(
            where,
            select=_chosen(select) if select else "",
            score=str((select or {}).get("score") or ""),
            options="; ".join(f"{name}={value}" for name, value in (options or {}).items()),
        )

    @property
    def label(self) -> str | None:
        """All of it in one text; None for a baseline."""
        narrowed = (self.layers, _named("heads", self.heads), _named("experts", self.experts))
        words = (*narrowed, self.select, self.options, _named("after", self.before), _named("then", self.then))
        inside = "; ".join(filter(None, words))
        return f"{self.part}[{inside}]" if self.part and inside else self.part or None


def single_layer(layers: Layers | Sequence[int] | None) -> int | None:
    """The layer of a trial that is confined to exactly one, given by its number; None for every other, and for what a
    foreign record holds that names no layers."""
    try:
        checked = check_layers(layers)
    except LesionError:
        return None
    if isinstance(checked, tuple):
        return checked[0] if len(checked) == 1 else None
    first, _, final = checked.partition("-")
    return int(first) if first == final else None


def trial_group(trial: Placed) -> str | None:
    """The label of where a trial did its damage; None for a baseline."""
    return Where.of(trial).label


def stages_in_words(stages: Sequence[StagePlaced] | None) -> str:
    """What is done before or after a damage: `mult_gauss attn_only 0.5, heal all 20`."""
    return ", ".join(f"{stage.method} {_place(stage)} {stage.level:g}" for stage in stages or ())


def _place(stage: StagePlaced) -> str:
    numbers = (stage.layers, stage.heads, stage.experts)
    where = Where.narrowed(stage.group, *numbers, select=stage.select, options=stage.options)
    return str(where.label)


def _numbers(only: Layers | Sequence[int] | None) -> str:
    return only if isinstance(only, str) else ",".join(map(str, only or ()))


def _named(word: str, numbers: str) -> str:
    return f"{word} {numbers}" if numbers else ""


def _chosen(select: Mapping[str, Any]) -> str:
    """In a few words; coordinates by a few digits of their hash."""
    if coordinates := select.get("coordinates"):
        digits = hashlib.sha256(json.dumps(coordinates).encode()).hexdigest()[:6]
        return f"{len(coordinates)} weights {digits}"
    words = [select["by"], select.get("k", select.get("fraction")), select.get("score"), select.get("scope")]
    words += [Path(select["text"]).stem if "text" in select else None]
    words += [say.format(select[key]) for key, say in _WORDS.items() if key in select]
    return " ".join(f"{word:g}" if isinstance(word, float) else str(word) for word in words if word is not None)
