"""Writing on from prompts, batched, one token at a time; each prompt as if it were alone."""

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.catalog import SAMPLER_VERSION
from engine.measure.generation.pictures import Beside, Encoded, together
from engine.models.cache import cache_argument, kept
from engine.reading.encoding import pad
from engine.weights.compiled import spread
from engine.weights.counter import Doubles, Keys, gumbel

Choice = Callable[[Tensor, int], Tensor]
"""(logits [rows, vocabulary], step) -> the next token of each row, int64 [rows]."""


@dataclass
class Continuation:
    """What was written after one prompt. `tokens` includes the end token; `stop` is "eos" or "length"."""

    tokens: list[int] = field(default_factory=list)
    stop: str | None = None


def greedy(logits: Tensor, step: int) -> Tensor:
    """The most likely token among the finite logits; token 0 where none is finite."""
    return _finite(logits).argmax(dim=-1)


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
        self._keys = [_keys(seed, index) for index in indices]
        self._noise = np.empty((len(indices), 0))

    def __call__(self, logits: Tensor, step: int) -> Tensor:
        broken = (logits.isnan() | logits.isposinf()).any(dim=-1) | ~logits.isfinite().any(dim=-1)
        noise = torch.from_numpy(self._drawn(step, logits.shape[-1])).to(logits.device)
        drawn = noise.mul_(self._temperature).add_(_finite(logits)).argmax(dim=-1)
        return torch.where(broken, greedy(logits, step), drawn)

    def _drawn(self, step: int, vocabulary: int) -> Doubles:
        """The Gumbel numbers of a step, float64 [rows, vocabulary]; gone when those of another step are asked for."""
        if self._noise.shape[1] != vocabulary:
            self._noise = np.empty((len(self._keys), vocabulary))
        spread(lambda row: gumbel(step << 32, *self._keys[row], self._noise[row]), range(len(self._keys)))
        return self._noise


@torch.inference_mode()
def write_on(
    model: Any, prompts: Sequence[Encoded], limits: list[int], ends: frozenset[int], filler: int, choose: Choice
) -> list[Continuation]:
    """Continue every prompt until an end token or its limit of new tokens.

    Prompts are padded on the left and positions counted from each prompt's first token, so a row sees what it would
    see alone. Keys and values are cached: every step feeds one token a row. A picture is seen in the first step.
    """
    ids, mask = pad([prompt.ids for prompt in prompts], filler, left=True, device=model.device)
    beside = together(prompts, model.device, model.dtype)
    positions = _positions(model, ids, mask, beside)
    last_position = torch.tensor([len(p.ids) + limit - 1 for p, limit in zip(prompts, limits, strict=True)])
    last_position = last_position.to(ids.device).unsqueeze(-1)
    written = [Continuation() for _ in prompts]
    cached: dict[str, Any] = {cache_argument(model): None}
    for step in range(max(limits)):
        output = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            use_cache=True,
            logits_to_keep=1,
            **cached,
            **beside,
        )
        beside, cached = {}, dict.fromkeys(cached, kept(output))
        chosen = choose(output.logits[:, -1].float(), step)
        _append(written, chosen.tolist(), limits, ends)
        if all(row.stop for row in written):
            break
        ids = chosen.unsqueeze(-1)
        mask = torch.cat([mask, torch.ones_like(ids)], dim=-1)
        # A finished row keeps its place in the batch; held at its last position it cannot leave a learned table.
        positions = torch.minimum(positions[..., -1:] + 1, last_position)
    return written


def _positions(model: Any, ids: Tensor, mask: Tensor, beside: Beside) -> Tensor:
    """[rows, tokens], counted from each row's first token; where the model gives the parts of a picture positions by
    time, height and width, what it says itself, [3, rows, tokens]."""
    by_model = getattr(getattr(model, "model", None), "get_rope_index", None)
    if not beside or by_model is None:
        return (mask.cumsum(dim=-1) - 1).clamp(min=0)
    accepted = inspect.signature(by_model).parameters
    arguments = {name: tensor for name, tensor in beside.items() if name in accepted}
    positions: Tensor = by_model(input_ids=ids, attention_mask=mask, **arguments)[0]
    return positions


def _append(written: list[Continuation], chosen: list[int], limits: list[int], ends: frozenset[int]) -> None:
    for row, token, limit in zip(written, chosen, limits, strict=True):
        if row.stop:
            continue
        row.tokens.append(token)
        if token in ends:
            row.stop = "eos"
        elif len(row.tokens) == limit:
            row.stop = "length"


def _finite(logits: Tensor) -> Tensor:
    return logits.masked_fill(~logits.isfinite(), float("-inf"))


def _keys(seed: int, index: int) -> Keys:
    """What the draws of prompt `index` are hashed with. Those of a step are at the positions step * 2^32 + token."""
    text = f"sample\0{SAMPLER_VERSION}\0{seed}\0{index}"
    first, second = np.frombuffer(hashlib.blake2b(text.encode(), digest_size=16).digest(), "<u8").astype(np.uint64)
    return first, second
