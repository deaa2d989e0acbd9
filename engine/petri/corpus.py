"""Training rows: documents packed side by side, none of which sees another."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerFast

from engine.petri import CONTEXT
from engine.petri.grammar import stream

_POOL = 64
"""Documents to choose from when the rest of a row is filled."""
_CHUNK = 2000
"""Documents tokenized at a time."""
IGNORED = -100


@dataclass(frozen=True)
class Rows:
    """Rows of tokens, int64 [rows, CONTEXT] each: token ids, each token's place in its document, the number of the
    document in its row, and what is to be predicted at each place (`IGNORED` at the last token of a document)."""

    ids: torch.Tensor
    positions: torch.Tensor
    documents: torch.Tensor
    labels: torch.Tensor

    def __getitem__(self, chosen: slice) -> "Rows":
        return Rows(self.ids[chosen], self.positions[chosen], self.documents[chosen], self.labels[chosen])

    def __len__(self) -> int:
        return len(self.ids)

    def mask(self) -> torch.Tensor:
        """What each token may look at, bool [rows, 1, CONTEXT, CONTEXT]: its own document, up to itself."""
        alike = self.documents[:, :, None] == self.documents[:, None, :]
        return alike.tril()[:, None]


def build_rows(tokenizer: PreTrainedTokenizerFast, seed: int, rows: int) -> Rows:
    """Rows of whole training documents, each followed by an end token, padded where no document fits any more."""
    documents = _tokens(tokenizer, seed)
    pool = [next(documents) for _ in range(_POOL)]
    built = []
    for _ in range(rows):
        row: list[list[int]] = []
        left = CONTEXT
        while fitting := [document for document in pool if len(document) <= left]:
            taken = max(fitting, key=len)
            pool[pool.index(taken)] = next(documents)
            row.append(taken)
            left -= len(taken)
        built.append(_row(row, tokenizer.pad_token_id, left))
    return Rows(*torch.tensor(built).unbind(1))


def _tokens(tokenizer: PreTrainedTokenizerFast, seed: int) -> Iterator[list[int]]:
    texts = stream("train", seed)
    while True:
        for ids in tokenizer([next(texts) for _ in range(_CHUNK)])["input_ids"]:
            yield [*ids, tokenizer.eos_token_id]


def _row(documents: list[list[int]], padding: int, left: int) -> list[list[int]]:
    """The four lines of `Rows` for one row."""
    parts = [*documents, [padding] * left]
    ids = [token for part in parts for token in part]
    positions = [place for part in parts for place in range(len(part))]
    numbers = [number for number, part in enumerate(parts) for _ in part]
    labels = [label for document in documents for label in (*document[1:], IGNORED)] + [IGNORED] * left
    return [ids, positions, numbers, labels]
