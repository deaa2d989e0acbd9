"""From text to token ids, the same way for every measurement."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from engine.errors import LesionError

Tokenizer = Any
"""A `transformers` tokenizer: the library exports no usable type for one."""


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    """Token ids of `text`, opened by BOS where the tokenizer opens texts so; never closed by EOS."""
    ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return opening(tokenizer) + ids


def encode_all(tokenizer: Tokenizer, texts: Sequence[str], context: int, name: str) -> list[list[int]]:
    """Token ids of each prompt. Raises LesionError, naming the model `name`, where one has no token or more than
    `context`."""
    encoded = [encode(tokenizer, text) for text in texts]
    for text, ids in zip(texts, encoded, strict=True):
        if not 1 <= len(ids) <= context:
            raise LesionError(
                f"on {name} the prompt {text[:40]!r} has {len(ids)} tokens; it must have 1 to {context}.",
                field="measure.prompts",
            )
    return encoded


def by_length(rows: Sequence[list[int]], size: int) -> list[list[int]]:
    """Indices of `rows` in batches of at most `size` of like length, the longest first."""
    order = sorted(range(len(rows)), key=lambda index: (-len(rows[index]), index))
    return [order[start : start + size] for start in range(0, len(order), size)]


def opening(tokenizer: Tokenizer) -> list[int]:
    """`[BOS]` for a tokenizer that puts it before every text, else `[]`."""
    bos = tokenizer.bos_token_id
    first = tokenizer("a")["input_ids"][:1]
    return [bos] if bos is not None and first == [bos] else []


def padding_token(tokenizer: Tokenizer) -> int:
    """A token id to fill batches with. Any will do: what is padded is masked and never scored."""
    for candidate in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if candidate is not None:
            return int(candidate)
    return 0


def pad(rows: list[list[int]], filler: int, *, left: bool, device: torch.device) -> tuple[Tensor, Tensor]:
    """Ids and attention mask (1 on real tokens) of a batch: two int64 tensors [rows, longest row] on `device`."""
    length = max(len(row) for row in rows)
    ids = torch.full((len(rows), length), filler, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for index, row in enumerate(rows):
        place = slice(length - len(row), length) if left else slice(0, len(row))
        ids[index, place] = torch.tensor(row, dtype=torch.long)
        mask[index, place] = 1
    return ids.to(device), mask.to(device)
