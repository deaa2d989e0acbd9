"""What measurements share that read a list of prompts, each whole and by itself."""

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from engine.measure.measurement import Measurement, Progress
from engine.models.loading import LoadedModel
from engine.profile import PromptTable
from engine.profile.texts import prompts
from engine.reading.encoding import by_length, encode_all, pad, padding_token


class Prompted(Measurement):
    """Bound to one model and the prompts of its table.

    Raises:
        LesionError: a prompt is empty or longer than the model's context.
    """

    def __init__(self, spec: PromptTable, loaded: LoadedModel, folder: Path) -> None:
        self.notes: list[str] = []
        self._loaded = loaded
        self._encoded = encode_all(loaded.tokenizer, prompts(spec, folder), loaded.architecture.context, loaded.name)

    def _batches(self, batch_size: int, progress: Progress) -> Iterator[tuple[list[int], Tensor, Tensor]]:
        """Prompts of like length together: their indices, tokens and mask, int64 [rows, tokens], padded on the
        right."""
        cut = by_length(self._encoded, batch_size)
        for number, indices in enumerate(cut):
            progress(number, len(cut))
            rows = [self._encoded[index] for index in indices]
            ids, mask = pad(rows, padding_token(self._loaded.tokenizer), left=False, device=self._loaded.device)
            yield indices, ids, mask
