"""A slice as a matrix [outputs, inputs]."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from engine.weights.slices import CHUNK, Slice


def oriented(piece: Slice, weights: Tensor) -> Tensor:
    """`weights`, shaped like `piece.gather()`, as [outputs, inputs], sharing their memory; a vector is one output."""
    if weights.dim() < 2:
        return weights.view(1, -1)
    flat = weights.flatten(1)
    return flat.mT if piece.transposed else flat


def blocks(matrix: Tensor) -> Iterator[Tensor]:
    """The matrix in blocks of rows of about CHUNK weights, sharing its memory."""
    rows, length = matrix.shape
    together = max(1, CHUNK // max(length, 1))
    for first in range(0, rows, together):
        yield matrix[first : first + together]


@contextmanager
def written(piece: Slice) -> Iterator[Tensor]:
    """What `piece.gather()` returns, to be changed in place: the parameter's own memory where the slice is all of it,
    else a copy that is written back at the end."""
    weights = piece.gather()
    yield weights
    if piece.ranges is not None:
        piece.scatter(weights)
