"""The score."""

from engine.scores.score import Score


def _evidence(task, emit):
    for name, parameter in task.parameters.items():
        emit(name, parameter.detach())


SMALLNESS = Score(_evidence, lambda evidence, weights: -weights.float().abs())
