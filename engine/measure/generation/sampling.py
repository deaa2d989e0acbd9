"""How the next token is chosen: the likeliest, or one drawn from the whole vocabulary."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.catalog import SAMPLER_VERSION
from engine.weights.compiled import compiled, spread
from engine.weights.counter import Floats, Keys, gumbel, gumbel_bounds

Choice = Callable[[Tensor, int, Sequence[int]], Tensor]
"""(logits [rows, vocabulary], step, which of the prompts these rows belong to) -> the next token of each row, int64
[rows]."""

_BLOCK = 1024
_SLACK = 1e-6
"""Far more than rounding takes from a bound, far less than bounds are apart from what they bound."""


def greedy(logits: Tensor, step: int = 0, rows: Sequence[int] = ()) -> Tensor:
    """The most likely token among the finite logits; token 0 where none is finite."""
    best = logits.max(dim=-1)
    if bool(best.values.isfinite().all()):  # then no logit of the row is nan or +inf
        return best.indices
    return logits.masked_fill(~logits.isfinite(), float("-inf")).argmax(dim=-1)


class Sampler:
    """Draws from the whole vocabulary at a temperature T > 0: the token with the largest logit / T + g, where the g are
    independent Gumbel numbers, is a draw from softmax(logits / T) (Maddison, Tarlow and Minka, "A* sampling", 2014).

    g depends on (SAMPLER_VERSION, seed, index of the prompt, step, token) and on nothing else: it is the same whatever
    else is in the batch, on every device, bit for bit, and for a healthy and a damaged model. So a last bit of a logit
    changes a token only where two tokens are all but even, and texts part where damage parts them. A row holding nan or
    +inf is no distribution; it falls back to `greedy`.
    """

    def __init__(self, seed: int, indices: Sequence[int], temperature: float) -> None:
        self._temperature = temperature
        self._keys = [keys_of(seed, index) for index in indices]

    def __call__(self, logits: Tensor, step: int, rows: Sequence[int] | None = None) -> Tensor:
        keys = self._keys if rows is None else [self._keys[row] for row in rows]
        numbers = logits.float().contiguous().cpu().numpy()
        drawn = np.empty(len(keys), np.int64)

        def draw(row: int) -> None:
            drawn[row] = _drawn(numbers[row], self._temperature, step << 32, *keys[row])

        spread(draw, range(len(keys)))
        chosen = torch.from_numpy(drawn).to(logits.device)
        return torch.where(chosen < 0, greedy(logits), chosen) if (drawn < 0).any() else chosen


def keys_of(seed: int, index: int) -> Keys:
    """What the draws of prompt `index` are hashed with. Those of a step are at the positions step * 2^32 + token."""
    text = f"sample\0{SAMPLER_VERSION}\0{seed}\0{index}"
    first, second = np.frombuffer(hashlib.blake2b(text.encode(), digest_size=16).digest(), "<u8").astype(np.uint64)
    return first, second


@compiled("int64(float32[::1], float64, int64, uint64, uint64)")
def _drawn(logits: Floats, temperature: float, start: int, first: Any, second: Any) -> int:
    """The first token with the largest temperature * g + logit, in float64; -1 where a logit is nan or +inf, or none
    is finite.

    A bound on every g costs a hash and no logarithm, and rules out nearly all tokens: g itself is computed where the
    bound leaves a token with a chance against the best one so far, the likeliest to begin with.
    """
    likeliest, broken = 0, False
    for token in range(logits.size):
        broken |= not (logits[token] < np.inf)
        if logits[token] > logits[likeliest]:
            likeliest = token
    if broken or logits[likeliest] == -np.inf:
        return -1
    one, bounds = np.empty(1, np.float64), np.empty(_BLOCK, np.float64)
    gumbel(start + likeliest, first, second, one)
    chosen, best = likeliest, one[0] * temperature + logits[likeliest]
    for begin in range(0, logits.size, _BLOCK):
        some = logits[begin : begin + _BLOCK]
        gumbel_bounds(start + begin, first, second, bounds[: some.size])
        for i in range(some.size):
            bounds[i] = bounds[i] * temperature + some[i]
        for i in range(some.size):
            if bounds[i] + _SLACK * temperature >= best and some[i] > -np.inf:
                gumbel(start + begin + i, first, second, one)
                value = one[0] * temperature + some[i]
                if value > best or (value == best and begin + i < chosen):
                    chosen, best = begin + i, value
    return chosen
