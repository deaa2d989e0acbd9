"""The score."""

from engine.scores.score import Emit, Score, Task


def _evidence(task: Task, emit: Emit) -> None:
    for name, parameter in task.parameters.items():
        emit(name, parameter.detach())


SMALLNESS = Score(_evidence, lambda evidence, weights: -weights.float().abs())
