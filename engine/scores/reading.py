"""The texts a score is accumulated over, and the model's loss on them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from engine import catalog
from engine.errors import LesionError
from engine.models.loading import LoadedModel
from engine.profile.scoring import ScoreSpec
from engine.profile.texts import documents_of
from engine.reading.encoding import encode, pad, padding_token
from engine.reading.windows import Window, batches, slide

_UNSCORED = -100

_BLOCK_BYTES = 16 * 2**20
"""Of float64 numbers that a loss is computed from at a time."""


class Reading:
    """Windows of text in batches: `tokens` is how many tokens are predicted in all of them.

    Raises LesionError where the text cannot be read, no document has two tokens, or `context` is below 2.
    """

    def __init__(self, loaded: LoadedModel, spec: ScoreSpec, batch_size: int | None = None) -> None:
        if spec.context < 2 or spec.batch_size < 1 or spec.documents < 1:
            raise LesionError(
                f"a score needs a context of at least 2 tokens and at least 1 document and 1 window in a batch, not "
                f"context = {spec.context}, documents = {spec.documents}, batch_size = {spec.batch_size}"
            )
        self._loaded = loaded
        context = min(spec.context, loaded.architecture.context)
        encoded = [encode(loaded.tokenizer, text) for text in _documents(loaded, spec)]
        windows = [window for ids in encoded if len(ids) >= 2 for window in slide(ids, context, context - 1)]
        if not windows:
            raise LesionError(f"{spec.name} on {loaded.name}: no document of text '{spec.text}' has two tokens")
        self.tokens = sum(window.predicted for window in windows)
        self.batches = batches(windows, batch_size or spec.batch_size)

    def inputs(self, batch: Sequence[Window]) -> tuple[Tensor, Tensor]:
        """Ids and attention mask of a batch, both int64 [windows, longest window], padded on the right."""
        rows = [list(window.tokens) for window in batch]
        return pad(rows, padding_token(self._loaded.tokenizer), left=False, device=self._loaded.device)

    def loss(self, batch: Sequence[Window]) -> Tensor:
        """The sum of -ln p over the predicted tokens of a batch, in nats: a float64 scalar."""
        ids, mask = self.inputs(batch)
        targets = torch.full_like(ids, _UNSCORED)
        for row, window in enumerate(batch):
            targets[row, window.first : len(window.tokens)] = ids[row, window.first : len(window.tokens)]
        logits = self._loaded.model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        return total_loss(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten())

    @torch.inference_mode()
    def nll(self) -> float:
        """Mean -ln p of a predicted token, in nats."""
        return sum(float(self.loss(batch)) for batch in self.batches) / self.tokens


def total_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The sum of -ln p(target), in nats, of logits [n, vocabulary] and tokens, int64 [n], of which _UNSCORED are left
    out: a float64 scalar, as often differentiable as the logits.

    Computed, and computed again on the way back, in float64 a block at a time, so that no float64 copy of all logits is
    ever alive.
    """
    rows = max(1, _BLOCK_BYTES // (8 * logits.shape[-1]))
    parts = zip(torch.split(logits, rows), torch.split(targets.to(logits.device), rows), strict=True)
    losses = [checkpoint(_loss, *part, use_reentrant=False, preserve_rng_state=False) for part in parts]
    return torch.stack(losses).sum()


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    return cross_entropy(logits.double(), targets, ignore_index=_UNSCORED, reduction="sum")


@contextmanager
def differentiable(loaded: LoadedModel, parameters: Sequence[Parameter]) -> Iterator[None]:
    """Gradients on, for these parameters alone, and dropout off; afterwards all is as it was, and no gradient left."""
    everything = list(loaded.model.parameters())
    before = [parameter.requires_grad for parameter in everything]
    training = [module for module in loaded.model.modules() if module.training]
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        loaded.model.requires_grad_(False)
        loaded.model.eval()
        try:
            for parameter in parameters:
                parameter.requires_grad_(True)
            yield
        finally:
            for parameter, required in zip(everything, before, strict=True):
                parameter.requires_grad_(required)
                parameter.grad = None
            for module in training:
                module.training = True


def _documents(loaded: LoadedModel, spec: ScoreSpec) -> list[str]:
    bundled = "petri" if loaded.name in catalog.models() else "english"
    text = bundled if spec.text == "auto" else spec.text
    which, count = spec.sample
    return documents_of(text, spec.documents, spec.folder)[which::count]
