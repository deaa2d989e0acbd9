"""Writing on from prompts, batched, one token at a time; each prompt as if it were alone."""

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from engine.measure.encoding import pad
from engine.measure.pictures import Beside, Encoded, together

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
    """Draws from the whole vocabulary at a temperature > 0, by inverting the cumulative distribution in float64.

    Prompt `index` draws from its own generator, seeded by (seed, index): its text does not depend on what else is in
    the batch. A row holding nan or +inf is no distribution; it falls back to `greedy`.
    """

    def __init__(self, seed: int, indices: list[int], steps: int, temperature: float, device: torch.device) -> None:
        self._temperature = temperature
        self._uniform = torch.stack([_uniform(seed, index, steps) for index in indices]).to(device)

    def __call__(self, logits: Tensor, step: int) -> Tensor:
        broken = (logits.isnan() | logits.isposinf()).any(dim=-1) | ~logits.isfinite().any(dim=-1)
        reached = torch.softmax(_finite(logits).double() / self._temperature, dim=-1).cumsum(dim=-1)
        aim = self._uniform[:, step : step + 1] * reached[:, -1:]
        drawn = torch.searchsorted(reached, aim, right=True).squeeze(-1).clamp(max=logits.shape[-1] - 1)
        return torch.where(broken, greedy(logits, step), drawn)


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
    cache = None
    for step in range(max(limits)):
        output = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            **beside,
        )
        beside, cache = {}, output.past_key_values
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
    wanted = inspect.signature(by_model).parameters
    given = {name: tensor for name, tensor in beside.items() if name in wanted}
    positions: Tensor = by_model(input_ids=ids, attention_mask=mask, **given)[0]
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


def _uniform(seed: int, index: int, steps: int) -> Tensor:
    """`steps` float64 numbers in [0, 1), the same on every device."""
    digest = hashlib.sha256(f"generation {seed} {index}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    return torch.rand(steps, dtype=torch.float64, generator=generator)
