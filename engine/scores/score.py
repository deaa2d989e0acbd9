"""What a score is: evidence, as large as one parameter, and the score of each weight made of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import Parameter

from engine.models.loading import LoadedModel
from engine.profile.scoring import ScoreSpec


@dataclass(frozen=True)
class Task:
    """The parameters to score, by name, and what with. The model is not to be changed."""

    loaded: LoadedModel
    spec: ScoreSpec
    parameters: dict[str, Parameter]


Emit = Callable[[str, Tensor], None]
"""Takes a parameter's name and its evidence, a contiguous tensor of its shape that may be dropped on return."""


@dataclass(frozen=True)
class Score:
    """One way to say how much a weight matters.

    evidence: calls `emit` once for every parameter of the task, in any order, and keeps none of what it emitted. Raises
        LesionError for a parameter the score does not apply to.
    combine: (evidence, weights), two views [runs, length] of one stretch of a parameter, to their scores, float32, in
        memory of their own; for all scores that mean something, larger is more important.
    """

    evidence: Callable[[Task, Emit], None]
    combine: Callable[[Tensor, Tensor], Tensor]


def names(parameters: Sequence[str]) -> str:
    """Parameters in a sentence: the first, and how many more."""
    return parameters[0] + (f" and {len(parameters) - 1} more" if len(parameters) > 1 else "")
