"""Muon: momentum whose direction is made orthogonal, for the matrices inside the blocks.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024), with its quintic Newton–Schulz
iteration, in float32: the same bits on the same processor.
"""

from collections.abc import Sequence

import torch

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_MOMENTUM = 0.95


class Muon:
    """One momentum a matrix, Nesterov's kind; matrices of one shape are worked on together."""

    def __init__(self, matrices: Sequence[torch.nn.Parameter]) -> None:
        by_shape: dict[torch.Size, list[torch.nn.Parameter]] = {}
        for matrix in matrices:
            by_shape.setdefault(matrix.shape, []).append(matrix)
        self._groups = [
            (alike, torch.zeros(len(alike), *shape, device=alike[0].device)) for shape, alike in by_shape.items()
        ]

    @torch.no_grad()
    def step(self, rate: float | torch.Tensor) -> None:
        """Move every matrix by `rate` along its orthogonal direction, scaled by sqrt(max(1, rows / columns))."""
        for matrices, momentum in self._groups:
            gradients = torch.stack([matrix.grad for matrix in matrices if matrix.grad is not None])
            momentum.mul_(_MOMENTUM).add_(gradients, alpha=1 - _MOMENTUM)
            direction = orthogonal(gradients.lerp(momentum, _MOMENTUM))
            rows, columns = momentum.shape[1:]
            moves = direction * (max(1.0, rows / columns) ** 0.5 * rate)
            for matrix, move in zip(matrices, moves, strict=True):
                matrix.sub_(move)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """Near U Vᵀ for each U S Vᵀ of [n, rows, columns], float32: singular values end between some 0.7 and 1.2."""
    tall = matrices.shape[1] > matrices.shape[2]
    x: torch.Tensor = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x
