"""How likely a model found a token, and how far two predictions lie apart: in float64 from the logits on.

A softmax in float32 is off by about 1e-5 nats a token, more with a larger vocabulary, all in one direction, and by
another amount on another processor. The divergence of two predictions that hardly differ is lost in it altogether.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK_BYTES = 2**20
"""Of float64 numbers worked on at a time: they stay in a processor's cache, where the wider numbers cost little."""

BLOCK_BYTES_ON_GPU = 32 * 2**20


@dataclass(frozen=True)
class Softmax:
    """The predictions of n tokens from logits [n, vocabulary], float64.

    `shifted` are the logits less the largest of their row, `weights` their exponentials, `total` [n] the sums of these:
    p = weights / total. A row that is no distribution (a nan, or an infinite largest logit) has the total nan.
    """

    shifted: Tensor
    weights: Tensor
    total: Tensor

    @classmethod
    def of(cls, logits: Tensor) -> "Softmax":
        """Of logits in any floating dtype."""
        shifted = logits.to(torch.float64, copy=True)
        shifted.sub_(shifted.amax(dim=-1, keepdim=True))
        weights = shifted.exp()
        return cls(shifted, weights, weights.sum(dim=-1))

    def log_p(self, tokens: Tensor) -> Tensor:
        """ln p of one token [n] of each row: float64 [n]."""
        return self.shifted.gather(-1, tokens.unsqueeze(-1)).squeeze(-1) - self.total.log()

    def divergence(self, other: "Softmax") -> Tensor:
        """KL(self || other) of each row in nats: float64 [n]. Exactly 0 where the logits are equal; 0 ln 0 is 0.

        With the logits x and y, each less its largest: Σ p (x - y) + ln(Σ e^y / Σ e^x). Where the two hardly differ the
        logarithm is taken of the difference of the sums, so that next to nothing cancels. Overwrites both.
        """
        apart = self.shifted.sub_(other.shifted).mul_(self.weights).masked_fill_(self.weights == 0, 0.0)
        growth = other.weights.sub_(self.weights).sum(dim=-1)
        return apart.sum(dim=-1) / self.total + torch.log1p(growth / self.total)


def blocks(logits: Tensor) -> Iterator[slice]:
    """Rows of logits [n, vocabulary] in stretches to work on at a time."""
    size = BLOCK_BYTES_ON_GPU if logits.is_cuda else BLOCK_BYTES
    rows = max(1, size // (8 * logits.shape[-1]))
    for start in range(0, len(logits), rows):
        yield slice(start, start + rows)


def log_likelihoods(logits: Tensor, tokens: Tensor) -> Tensor:
    """ln p of each token, int64 [n] on any device, from logits [n, vocabulary]: float64 [n]."""
    tokens = tokens.to(logits.device)
    none = torch.empty(0, dtype=torch.float64, device=logits.device)
    return torch.cat([none, *(Softmax.of(logits[rows]).log_p(tokens[rows]) for rows in blocks(logits))])
