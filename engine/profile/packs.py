"""Packs: the trials that a worker does together, which follows from the profile alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine import catalog
from engine.profile.grid import Trial


@dataclass(frozen=True)
class Pack:
    """Trials of one model in the order in which a worker comes to them: one, or all levels that a walk of one seed
    passes. However much of it is recorded, it is computed as a whole, so that a run that was cut off ends with the same
    records as one that was not."""

    trials: tuple[Trial, ...]

    @property
    def model(self) -> str:
        """The model of all of them."""
        return self.trials[0].model

    @property
    def baseline(self) -> bool:
        """Whether it is a baseline, which is always alone."""
        return self.trials[0].baseline


def packs(grid: Sequence[Trial]) -> list[Pack]:
    """The trials of a profile, all of them, in packs; a pack stands where its first trial does."""
    together: dict[object, list[Trial]] = {}
    for trial in grid:
        together.setdefault(_walk(trial) or trial.key, []).append(trial)
    return [Pack(tuple(sorted(trials, key=_distance))) for trials in together.values()]


def _walk(trial: Trial) -> str | None:
    """What tells the walk that passes a trial's level from other walks; None for a trial that stands alone, as one does
    whose model is changed again after it."""
    if trial.level is None or trial.then or not catalog.method(trial.method).walks:
        return None
    where = (trial.model, trial.method, trial.group, trial.layers, trial.heads, trial.experts)
    return repr((*where, trial.options, trial.select, trial.before, trial.seed))


def _distance(trial: Trial) -> float:
    """How far a walk has come at the trial's level."""
    level = catalog.method(trial.method).level
    if trial.level is None or level is None:
        return 0.0
    return abs(trial.level - (level.neutral or 0.0))
