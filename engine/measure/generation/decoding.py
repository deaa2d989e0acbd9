"""Writing on from prompts, batched, one token at a time; each prompt as if it were alone."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from engine.measure.generation.pictures import Beside, Encoded, together
from engine.measure.generation.sampling import Choice
from engine.models.cache import cache_argument, can_leave, kept, make_room
from engine.reading.encoding import pad

_FEWEST = 4
"""Rows that a batch keeps, ended or not: matrix products of fewer add up in another order."""

_WORTH = 1 / 8
"""The share of a batch that must have ended before its rows leave, for what stays is copied then."""


@dataclass
class Continuation:
    """What was written after one prompt. `tokens` includes the end token; `stop` is "eos" or "length"."""

    tokens: list[int] = field(default_factory=list)
    stop: str | None = None


@torch.inference_mode()
def write_on(
    model: Any, prompts: Sequence[Encoded], limits: list[int], ends: frozenset[int], filler: int, choose: Choice
) -> list[Continuation]:
    """Continue every prompt until an end token or its limit of new tokens.

    Prompts are padded on the left and positions counted from each prompt's first token, so a row sees what it would
    see alone. Keys and values are cached: every step feeds one token a row. A picture is seen in the first step. Texts
    that have ended leave the batch.
    """
    ids, mask = pad([prompt.ids for prompt in prompts], filler, left=True, device=model.device)
    beside = together(prompts, model.device, model.dtype)
    positions = _positions(model, ids, mask, beside)
    last_position = torch.tensor([len(p.ids) + limit - 1 for p, limit in zip(prompts, limits, strict=True)])
    last_position = last_position.to(ids.device).unsqueeze(-1)
    written, rows = [Continuation() for _ in prompts], list(range(len(prompts)))
    name, cache = cache_argument(model), None
    for step in range(max(limits)):
        output = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            use_cache=True,
            logits_to_keep=1,
            **{name: cache},
            **beside,
        )
        beside, cache = {}, kept(output)
        chosen = choose(output.logits[:, -1].float(), step, rows)
        _append([written[row] for row in rows], chosen.tolist(), [limits[row] for row in rows], ends)
        if all(row.stop for row in written):
            break
        if step == 0:
            make_room(cache, ids.shape[1] + max(limits))
        ids = chosen.unsqueeze(-1)
        mask = torch.cat([mask, torch.ones_like(ids)], dim=-1)
        # A finished row that keeps its place, held at its last position, cannot leave a learned table.
        positions = torch.minimum(positions[..., -1:] + 1, last_position)
        stay = _staying([written[row].stop is None for row in rows])
        if len(stay) < len(rows) and can_leave(cache):
            index = torch.tensor(stay, device=ids.device)
            cache.batch_select_indices(index)
            ids, mask, last_position = ids[index], mask[index], last_position[index]
            positions, rows = positions[..., index, :], [rows[place] for place in stay]
    return written


def _staying(running: Sequence[bool]) -> list[int]:
    """The places of a batch that go on: those that are `running`, and at least `_FEWEST`. All of them where so few have
    ended that a step would hardly be quicker."""
    stay = [place for place, runs in enumerate(running) if runs]
    if len(running) - len(stay) < len(running) * _WORTH:
        return list(range(len(running)))
    ended = [place for place, runs in enumerate(running) if not runs]
    return sorted(stay + ended[: max(0, _FEWEST - len(stay))])


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
