"""What is done to a model in one trial: what comes before, the damage that the trial is about, and what follows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from engine.catalog.columns import labelled
from engine.methods import Context, Damaged, walk
from engine.profile import Trial
from engine.profile.grid import Stage


def at_stage(trial: Trial, stage: Stage) -> Trial:
    """The trial as it would be if it were about this stage alone."""
    return replace(trial, **{one.name: getattr(stage, one.name) for one in fields(Stage)}, before=(), then=())


def every_stage(trial: Trial) -> tuple[Trial, ...]:
    """All that is done in a trial, in order."""
    before, then = ([at_stage(trial, stage) for stage in stages] for stages in (trial.before, trial.then))
    return (*before, trial, *then)


@dataclass(frozen=True)
class Act:
    """A method, and all that it is given."""

    method: str
    context: Context

    def once(self) -> Damaged:
        """Do it, at its one level."""
        [damaged] = walk(self.method, self.context)
        return damaged


def perform(before: Sequence[Act], act: Act, then: Sequence[Act]) -> Iterator[Damaged]:
    """Do all of it; yields at each level of `act`. The numbers of what comes before or follows have its name before
    theirs."""
    early = [one.once() for one in before]
    for damaged in walk(act.method, act.context):
        late = [one.once() for one in then]
        yield _together(damaged, {"before": early, "then": late})


def _together(damaged: Damaged, others: dict[str, list[Damaged]]) -> Damaged:
    metrics, touched = dict(damaged.metrics), damaged.touched
    artifact: dict[str, Any] = dict(damaged.artifact or {})
    for key, some in others.items():
        for number, one in enumerate(some, start=1):
            label = key if len(some) == 1 else f"{key}{number}"
            metrics |= {labelled(label, name): value for name, value in one.metrics.items()}
            touched += one.touched
            artifact |= {label: one.artifact} if one.artifact else {}
    return replace(damaged, touched=touched, metrics=metrics, artifact=artifact or None)
