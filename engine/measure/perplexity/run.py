"""How well the model still predicts text: perplexity, nats per token, accuracy, and drift from its own predictions."""

from pathlib import Path

import torch
from torch import Tensor

from engine.errors import LesionError
from engine.measure.measurement import Measured, Measurement, Progress
from engine.measure.perplexity.head import Head, PristineHead, Scores, score
from engine.measure.perplexity.table import PerplexityMeasure
from engine.models.loading import LoadedModel
from engine.profile.texts import documents
from engine.reading.encoding import encode, pad, padding_token
from engine.reading.windows import Window, batches, slide


class Perplexity(Measurement):
    """Token-weighted perplexity over documents, each read in sliding windows.

    Metrics: `nll` is the mean of -ln p over all predicted tokens (nats), `perplexity` its exponential, `token_accuracy`
    the share of tokens that were the most likely one, `kl` the mean KL(undamaged || damaged) of the predictions (nats).

    Raises:
        LesionError: no document has two tokens, the windows do not suit the model, or the model makes its
            logits of more than its last hidden states.
    """

    def __init__(self, spec: PerplexityMeasure, loaded: LoadedModel, folder: Path) -> None:
        self.notes: list[str] = []
        self._loaded = loaded
        self._filler = padding_token(loaded.tokenizer)
        self._windows = self._cut(spec, folder)
        self._head = Head(loaded, list(self._windows[0].tokens[:16]))
        self._pristine = PristineHead(loaded.architecture.head)
        self._reference: list[Tensor] = []
        self._reference_batch: int | None = None

    @torch.inference_mode()
    def prepare(self, batch_size: int, progress: Progress) -> None:
        """Keep the undamaged model's final hidden states: tokens x width numbers, where its logits would be
        tokens x vocabulary. They are kept per batch size, whose shapes decide the last bits of a result.
        """
        if self._reference_batch == batch_size:
            return
        self._reference, self._reference_batch = [], None
        cut = batches(self._windows, batch_size)
        for index, batch in enumerate(cut):
            progress(index, len(cut))
            hidden, _ = self._read(batch)
            self._reference.append(hidden.cpu())
        self._reference_batch = batch_size

    def can_start_at(self, layer: int) -> bool:
        """At any layer: only the last hidden states count."""
        return True

    @torch.inference_mode()
    def run(self, seed: int, batch_size: int, progress: Progress) -> Measured:
        """Measure the model as it is. Nothing is drawn: the seed plays no part."""
        if self._reference_batch != batch_size:
            raise ValueError(f"prepare({batch_size}) must come first, on the undamaged model")
        self._pristine.compare()
        total = Scores(0.0, 0.0, 0, 0)
        cut = batches(self._windows, batch_size)
        for index, batch in enumerate(cut):
            progress(index, len(cut))
            hidden, targets = self._read(batch)
            total += score(self._head, hidden, targets, self._pristine, self._reference[index])
        return Measured(_metrics(total))

    def _read(self, batch: list[Window]) -> tuple[Tensor, Tensor]:
        """Final hidden states [n, width] where a token is predicted, and the tokens [n] that came there."""
        rows = [list(window.tokens) for window in batch]
        ids, mask = pad(rows, self._filler, left=False, device=self._loaded.device)
        output = self._loaded.architecture.decoder(input_ids=ids, attention_mask=mask, use_cache=False)
        scored = torch.zeros_like(mask, dtype=torch.bool)
        for row, window in enumerate(batch):
            scored[row, window.first : len(window.tokens)] = True
        hidden: Tensor = output.last_hidden_state
        return hidden[:, :-1][scored[:, 1:].to(hidden.device)], ids[scored]

    def _cut(self, spec: PerplexityMeasure, folder: Path) -> list[Window]:
        encoded = [encode(self._loaded.tokenizer, text) for text in documents(spec, folder)]
        usable = [tokens for tokens in encoded if len(tokens) >= 2]
        if not usable:
            raise LesionError(
                f"perplexity on {self._loaded.name}: no document of text {spec.text!r} has two tokens, so nothing can "
                "be predicted; give a text with at least one sentence."
            )
        if short := len(encoded) - len(usable):
            self.notes.append(f"perplexity on {self._loaded.name}: {short} documents of fewer than 2 tokens skipped")
        context, stride = _reach(spec, self._loaded)
        return [window for tokens in usable for window in slide(tokens, context, stride)]


def _reach(spec: PerplexityMeasure, loaded: LoadedModel) -> tuple[int, int]:
    """Context and stride in tokens, checked against the model."""
    limit = loaded.architecture.context
    context = spec.context or limit
    if not 2 <= context <= limit:
        raise LesionError(
            f"perplexity on {loaded.name}: context = {context} must be 2 to {limit}, what the model can read at once.",
            field="measure.context",
        )
    stride = spec.stride or context // 2
    if not 1 <= stride < context:
        raise LesionError(
            f"perplexity on {loaded.name}: stride = {stride} must be 1 to {context - 1}, less than the context of "
            f"{context} tokens.",
            field="measure.stride",
        )
    return context, stride


def _metrics(total: Scores) -> dict[str, float]:
    nll = total.nll / total.tokens
    return {
        "perplexity": float(torch.tensor(nll, dtype=torch.float64).exp()),  # inf where math.exp would raise
        "nll": nll,
        "token_accuracy": total.correct / total.tokens,
        "kl": total.kl / total.tokens,
    }
