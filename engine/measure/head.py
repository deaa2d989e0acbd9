"""From hidden states to predictions: the output head, run only where something is scored, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

CHUNK_BYTES = 16 * 2**20
"""Size of one float32 block of logits. Up to four such blocks are alive at once: 64 MiB whatever the vocabulary."""


@dataclass(frozen=True)
class Scores:
    """Sums over the scored tokens of one or more batches, in float64."""

    nll: float
    kl: float
    correct: int
    tokens: int

    def __add__(self, other: "Scores") -> "Scores":
        return Scores(
            self.nll + other.nll, self.kl + other.kl, self.correct + other.correct, self.tokens + other.tokens
        )


class PristineHead:
    """The output head as it was at loading, for predictions of the undamaged model while the live head is damaged.

    Holds a copy of the head's weights in main memory. The live head is used for as long as it equals the copy bit for
    bit, so an undamaged head costs no second copy on the device.
    """

    def __init__(self, head: nn.Module) -> None:
        self._head = head
        self._weights = {name: tensor.detach().clone().cpu() for name, tensor in head.named_parameters()}
        self._substitute: dict[str, Tensor] | None = None

    def compare(self) -> None:
        """Look once whether the live head is damaged; until the next look, calls follow what was seen."""
        live = dict(self._head.named_parameters())
        equal = all(torch.equal(live[name].cpu(), kept) for name, kept in self._weights.items())
        self._substitute = None if equal else {name: kept.to(live[name].device) for name, kept in self._weights.items()}

    def __call__(self, hidden: Tensor) -> Tensor:
        """Logits [n, vocabulary] of hidden states [n, width]."""
        if self._substitute is None:
            logits: Tensor = self._head(hidden)
        else:
            logits = torch.func.functional_call(self._head, self._substitute, (hidden,))
        return logits


def score(head: nn.Module, hidden: Tensor, targets: Tensor, pristine: PristineHead, reference: Tensor) -> Scores:
    """Score predictions `head(hidden)` against the true next tokens and against the undamaged model's predictions.

    Args:
        hidden: final hidden states [n, width] of the model as it is now.
        targets: int64 [n], the tokens that came next.
        reference: final hidden states [n, width] of the undamaged model at the same places.

    Returns:
        Sums of -ln p(target), of KL(undamaged || now) in nats, and of tokens that were the most likely one. A
        prediction that is not a distribution (nan, or an infinite logit) counts as wrong.
    """
    device = next(head.parameters()).device
    hidden, targets = hidden.to(device), targets.to(device)
    nll = torch.zeros((), dtype=torch.float64, device=device)
    kl, correct = nll.clone(), torch.zeros((), dtype=torch.long, device=device)
    for rows in _chunks(len(targets), head):
        now = torch.log_softmax(head(hidden[rows]).float(), dim=-1)
        taken = now.gather(-1, targets[rows].unsqueeze(-1)).squeeze(-1)
        best, guess = now.max(dim=-1)
        nll -= taken.double().sum()
        correct += ((guess == targets[rows]) & best.isfinite()).sum()
        before = torch.log_softmax(pristine(reference[rows].to(device)).float(), dim=-1)
        kl += _divergence(before, now).double().sum()
    return Scores(float(nll), float(kl), int(correct), len(targets))


def _divergence(before: Tensor, now: Tensor) -> Tensor:
    """KL(before || now) of each row of two log-distributions; 0 ln 0 is 0. Exactly 0 where the rows are equal."""
    weight = before.exp()
    terms = before.sub_(now).mul_(weight)
    return terms.masked_fill_(weight == 0, 0.0).sum(dim=-1)


def _chunks(tokens: int, head: nn.Module) -> Iterator[slice]:
    vocabulary = int(next(head.parameters()).shape[0])
    rows = max(1, CHUNK_BYTES // (4 * vocabulary))
    for start in range(0, tokens, rows):
        yield slice(start, start + rows)
