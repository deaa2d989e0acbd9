"""From hidden states to predictions: what the model does behind its last block, run only where something is scored, in
bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from engine.errors import LesionError
from engine.measure.perplexity.table import CHUNK_BYTES
from engine.models.loading import LoadedModel
from engine.models.override import overridden
from engine.reading.likelihood import Softmax, blocks


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


class Head:
    """All that a model does to its final hidden states: the output head and, in some families, a cap on its logits
    (Gemma 2), a division (Granite) or a factor (Cohere).

    The model itself does it: it is called with its decoder giving the hidden states in question instead of computing.

    Raises:
        LesionError: that does not give the logits of a whole pass over `tokens`, so the model makes them of more.
    """

    def __init__(self, loaded: LoadedModel, tokens: list[int]) -> None:
        self._model, self._decoder = loaded.model, loaded.architecture.decoder
        self._device = loaded.device
        self._name = next(name for name, part in loaded.model.named_modules() if part is loaded.architecture.head)
        self._output: Any = None
        """What the decoder returned once, as something to put hidden states in."""
        self.vocabulary = 0
        self._check(loaded, tokens)

    def __call__(self, hidden: Tensor, weights: dict[str, Tensor] | None = None) -> Tensor:
        """Logits [n, vocabulary] of hidden states [n, width]; with these `weights` of the output head, by their names
        in it, instead of its own."""
        output = replace(self._output, last_hidden_state=hidden.unsqueeze(1))
        ids = torch.zeros(len(hidden), 1, dtype=torch.long, device=self._device)  # n texts of one token, for its shape
        called = {"input_ids": ids, "use_cache": False}
        with overridden(self._decoder, lambda *args, **kwargs: output):
            if weights is None:
                predicted = self._model(**called)
            else:
                own = {f"{self._name}.{name}": tensor for name, tensor in weights.items()}
                predicted = torch.func.functional_call(self._model, own, kwargs=called, tie_weights=False)
        logits: Tensor = predicted.logits
        return logits.squeeze(1)

    @torch.inference_mode()
    def _check(self, loaded: LoadedModel, tokens: list[int]) -> None:
        def keep(module: nn.Module, args: Any, output: Any) -> None:
            self._output = output

        ids = torch.tensor([tokens], device=loaded.device)
        hook = self._decoder.register_forward_hook(keep)
        try:
            whole = loaded.model(input_ids=ids, use_cache=False).logits
        finally:
            hook.remove()
        self.vocabulary = whole.shape[-1]
        again = self(self._output.last_hidden_state.squeeze(0)).to(whole.device)
        if not torch.allclose(whole.squeeze(0), again, rtol=1e-5, atol=1e-6, equal_nan=True):
            raise LesionError(
                f"perplexity on {loaded.name}: this model makes its logits of more than the last hidden states, which "
                f"the layout {loaded.architecture.name!r} does not describe; use a model of a supported family."
            )


class PristineHead:
    """The output head's weights as they were at loading, for predictions of the undamaged model while the head is
    damaged.

    Holds a copy of them in main memory. The live head is used for as long as it equals the copy bit for bit, so an
    undamaged head costs no second copy on the device.
    """

    def __init__(self, head: nn.Module) -> None:
        self._head = head
        self._weights = {name: tensor.detach().clone().cpu() for name, tensor in head.named_parameters()}
        self.weights: dict[str, Tensor] | None = None
        """On the head's device, by their names in it; None where the live head was found undamaged."""

    def compare(self) -> None:
        """Look once whether the live head is damaged; until the next look, `weights` are what was seen."""
        live = dict(self._head.named_parameters())
        equal = all(torch.equal(live[name].cpu(), kept) for name, kept in self._weights.items())
        self.weights = None if equal else {name: kept.to(live[name].device) for name, kept in self._weights.items()}


def score(head: Head, hidden: Tensor, targets: Tensor, pristine: PristineHead, reference: Tensor) -> Scores:
    """Score the predictions of a model as it is now against the true next tokens and against the undamaged model's.

    Args:
        hidden: final hidden states [n, width] of the model as it is now.
        targets: int64 [n], the tokens that came next.
        reference: final hidden states [n, width] of the undamaged model at the same places.

    Returns:
        Sums of -ln p(target), of KL(undamaged || now) in nats, and of tokens that were the most likely one. A
        prediction that is not a distribution (nan, or an infinite logit) counts as wrong.
    """
    sums = torch.zeros(3, dtype=torch.float64, device=hidden.device)
    for rows in _chunks(len(targets), head.vocabulary):
        now = head(hidden[rows])
        before = head(reference[rows].to(hidden.device), pristine.weights)
        sums += _compared(now, before.to(now.device), targets[rows].to(now.device)).to(sums.device)
    nll, kl, correct = sums.tolist()
    return Scores(nll, kl, int(correct), len(targets))


def _compared(now: Tensor, before: Tensor, targets: Tensor) -> Tensor:
    """The sums of two blocks of logits [n, vocabulary]: nll, kl and correct, float64 [3]."""
    sums = torch.zeros(3, dtype=torch.float64, device=now.device)
    for rows in blocks(now):
        current, original = Softmax.of(now[rows]), Softmax.of(before[rows])
        nll = -current.log_p(targets[rows])
        right = (now[rows].argmax(dim=-1) == targets[rows]) & current.total.isfinite()
        sums += torch.stack([nll.sum(), original.divergence(current).sum(), right.sum(dtype=torch.float64)])
    return sums


def _chunks(tokens: int, vocabulary: int) -> Iterator[slice]:
    rows = max(1, CHUNK_BYTES // (4 * vocabulary))
    for start in range(0, tokens, rows):
        yield slice(start, start + rows)
