"""A course of training: one walk of a seed through its levels, watched on the way."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.methods import Context, Damaged
from engine.training.options import TrainingOptions
from engine.training.trainer import Example, Trainer
from engine.training.watch import Look, Watch

Examples = Callable[[int], Example]
"""What step number n, from 1 on, trains on."""


@dataclass(frozen=True)
class Begun:
    """What a course trains on; `about` goes into the artifact, `metrics` into the record."""

    examples: Examples
    about: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


Begin = Callable[[Trainer], Begun]
"""Makes the examples, with gradients on."""


class Course:
    """The steps of one walk. What it yields at a level does not depend on the levels that follow."""

    def __init__(self, context: Context, options: TrainingOptions, begin: Begin) -> None:
        self._context, self._options, self._begin = context, options, begin
        self._trainer = Trainer(context.loaded, context.slices, options, context.draws.seed, context.undo)
        self._watch = Watch(context.loaded, options, context.folder)
        self._start = self._watch.look()
        self._steps: list[dict[str, float]] = [{"step": 0, **self._start.record}]
        self._begun: Begun | None = None
        self._ended = False

    def walk(self) -> Iterator[Damaged]:
        """Train to each level of the context in turn."""
        for level in self._context.levels:
            self._train(int(level))
            yield self._damaged()

    @property
    def _done(self) -> int:
        """Steps taken so far."""
        return len(self._steps) - 1

    def _train(self, level: int) -> None:
        if self._done >= level or self._ended:
            return
        with self._trainer.training():
            if self._begun is None:
                self._begun = self._begin(self._trainer)
        while self._done < level and not self._ended:
            self._step(self._begun.examples, int(self._context.levels[-1]))

    def _step(self, examples: Examples, last: int) -> None:
        number = self._done + 1
        with self._trainer.training():
            loss, length = self._trainer.step(examples(number))
        step = {"step": number, "loss": loss, "gradient_norm": length}
        every = self._options.watch_every
        if every and number % every == 0:
            look = self._watch.look()
            step |= {**look.record, **look.since(self._start), "weight_distance": self._distance()}
            self._ended = self._reached(look)
        self._steps.append(step)
        self._context.note({name: value for name, value in step.items() if name in _SHOWN})
        self._context.progress(number, last)

    def _reached(self, look: Look) -> bool:
        """Whether the rank has fallen as far as was asked for."""
        target = self._options.target_rank_reduction
        return target is not None and look.since(self._start)["rank_reduction"] >= target

    def _distance(self) -> float:
        """How far the weights are from the undamaged ones, adapters taken as what they change."""
        return math.hypot(self._context.distance(), self._trainer.distance())

    def _damaged(self) -> Damaged:
        look = self._watch.look() if self._done else self._start
        end = {
            "trained_steps": float(self._done),
            **look.since(self._start),
            "log10_perplexity": look.record["log10_perplexity"],
        }
        end["weight_distance"] = self._distance()
        if self._done:
            end |= {"train_loss": self._steps[-1]["loss"], "gradient_norm": self._steps[-1]["gradient_norm"]}
        about, more = (self._begun.about, self._begun.metrics) if self._begun else ({}, {})
        touched = sum(piece.numel for piece in self._context.slices) if self._done else 0
        artifact = {"steps": list(self._steps), "ended_early": self._ended, **about}
        return Damaged(touched, {**end, **more}, artifact)


_SHOWN = ("loss", "effective_rank", "perplexity")
"""What is told of a step while it runs."""
