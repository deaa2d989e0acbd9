"""Low rank: of every matrix only the strongest directions are kept."""

import torch
from torch import Tensor

from engine.errors import LesionError
from engine.methods.matrices import blocks, oriented, written
from engine.weights.draws import Draws
from engine.weights.slices import Slice


def svd_truncate(piece: Slice, level: float, draws: Draws) -> None:
    """In place: the slice, as a matrix of n singular values, becomes its best approximation of rank round(level * n),
    but at least 1 where level is above 0, computed in float64 and rounded once. A vector has one singular value. Draws
    nothing.

    It is projected on the leading eigenvectors of the smaller of its two Gram matrices (Eckart and Young, 1936), in
    memory of n² numbers. Raises LesionError where the slice has weights that are not finite.
    """
    with written(piece) as weights:
        matrix = oriented(piece, weights)
        rows = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.mT
        size = rows.shape[1]
        kept = max(round(level * size), 1) if level else 0
        if kept == size:
            return
        gram = torch.zeros(size, size, dtype=torch.float64, device=rows.device)
        for block in blocks(rows):
            wide = block.double()
            gram.addmm_(wide.mT, wide)
        if not gram.isfinite().all():
            text = f"svd_truncate needs finite weights, and {piece.parameter} has weights that are NaN or infinite"
            raise LesionError(text)
        leading = _leading(gram, kept)
        for block in blocks(rows):
            block.copy_((block.double() @ leading) @ leading.mT)


def _leading(gram: Tensor, count: int) -> Tensor:
    """The eigenvectors of the `count` largest eigenvalues, as columns; eigh sorts them from the smallest."""
    vectors: Tensor = torch.linalg.eigh(gram).eigenvectors
    return vectors[:, len(gram) - count :]
