"""The best k of a stream of scores, in memory of order k whatever the number of scores."""

import torch
from torch import Tensor

_PENDING = 1024
"""Candidates gathered at least before the best of them are sought: each search costs as much as many candidates."""


class TopK:
    """The k best scores of all that were offered, with their positions.

    Best are the largest, or with `largest=False` the smallest; of equal scores those at the lowest positions; nan comes
    last either way. The result does not depend on the order of the offers.
    """

    def __init__(self, k: int, *, largest: bool) -> None:
        self._k, self._largest = k, largest
        self._scores = [torch.empty(0)]
        self._positions = [torch.empty(0, dtype=torch.long)]
        self._pending = 0
        self._worst: tuple[float, int] | None = None
        """Key and position of the last of the k best so far, once there are k."""

    def offer(self, scores: Tensor, start: int, stride: int) -> None:
        """Scores [runs, length], float32: the one at [r, j] has the position `start + r * stride + j`.

        Positions rise from run to run, and no position is offered twice.
        """
        if self._k == 0 or not scores.numel() or self._hopeless(scores):
            return
        chosen = self._candidates(self._keys(scores.flatten()), start)
        rows, columns = chosen // scores.shape[1], chosen % scores.shape[1]
        self._scores.append(scores.flatten()[chosen].cpu())
        self._positions.append((start + rows * stride + columns).cpu())
        self._pending += len(chosen)
        if self._pending >= self._k and (self._worst is None or self._pending >= max(self._k, _PENDING)):
            self._settle()

    def best(self) -> tuple[Tensor, Tensor]:
        """Positions, int64, and scores, float32, of the best first: both [at most k], on the CPU."""
        self._settle()
        positions, order = self._positions[0].sort()
        scores = self._scores[0][order]
        order = torch.argsort(self._keys(scores), descending=True, stable=True)
        return positions[order], scores[order]

    def positions(self) -> Tensor:
        """The positions of the best, rising: int64 [at most k] on the CPU. Cheaper than `best`."""
        self._settle()
        return self._positions[0].sort().values

    def _keys(self, scores: Tensor) -> Tensor:
        """Numbers that are larger for better scores, and never nan."""
        signed = scores if self._largest else -scores
        return signed.nan_to_num(-torch.inf, torch.inf, -torch.inf)

    def _hopeless(self, scores: Tensor) -> bool:
        """Whether none can be among the best; decided by one pass that reads every score once."""
        if self._worst is None:
            return False
        best = float(scores.amax()) if self._largest else -float(scores.amin())
        return best < self._worst[0]  # False for nan: then the scores are looked at one by one

    def _candidates(self, keys: Tensor, start: int) -> Tensor:
        """Indices of those that may be among the k best, rising; at most k."""
        if self._worst is None:
            chosen = torch.arange(len(keys), device=keys.device)
        else:
            key, position = self._worst
            chosen = (keys >= key if start < position else keys > key).nonzero().squeeze(1)
        return chosen[_first(keys[chosen], self._k)] if len(chosen) > self._k else chosen

    def _settle(self) -> None:
        """Keep the k best of everything kept so far."""
        scores, positions = torch.cat(self._scores), torch.cat(self._positions)
        if len(scores) > self._k:
            kept = _first(self._keys(scores), self._k, positions)
            scores, positions = scores[kept], positions[kept]
        if len(scores) == self._k > 0:
            keys = self._keys(scores)
            last = float(keys.min())
            self._worst = last, int(positions[keys == last].max())
        self._scores, self._positions, self._pending = [scores], [positions], 0


def _first(keys: Tensor, k: int, positions: Tensor | None = None) -> Tensor:
    """Indices, rising, of the k largest of more than k keys; of equal keys those at the lowest positions (None: the
    first ones)."""
    last = keys.topk(k, sorted=False).values.min()
    above = keys > last
    equal = (keys == last).nonzero().squeeze(1)
    if positions is not None:
        equal = equal[positions[equal].argsort()]
    above[equal[: k - int(above.sum())]] = True
    return above.nonzero().squeeze(1)
