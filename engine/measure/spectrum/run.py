"""How many dimensions the outputs of a layer use, over all tokens of some documents."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.errors import LesionError
from engine.measure.measurement import Measured, Measurement, Progress
from engine.measure.spectrum.singular import GramSum, summary
from engine.measure.spectrum.table import SpectrumMeasure
from engine.measure.watching import Side, watch_blocks
from engine.models.loading import LoadedModel
from engine.profile import parse_layers
from engine.profile.texts import documents
from engine.reading.encoding import by_length, encode, pad, padding_token


class Spectrum(Measurement):
    """The singular values of a block's outputs, one row a token of all documents together, padding left out.

    The rows are the residual stream behind the block, as they are: not centred, and before any final norm. A spectrum
    has at most as many values as there are tokens, so few short documents limit the rank by themselves. A document
    longer than the model's context is cut there.

    Metrics, means over the layers observed: `effective_rank`, `effective_rank_cut`, `participation_ratio`,
    `spectral_gap` (see singular.py). Artifact: metrics and singular values of each layer, and `tokens`.

    Raises:
        LesionError: a layer does not exist, or no document has a token.
    """

    def __init__(self, spec: SpectrumMeasure, loaded: LoadedModel, folder: Path) -> None:
        self.notes: list[str] = []
        self._loaded = loaded
        self._layers = self._chosen(spec)
        self._encoded = self._encode(documents(spec, folder))

    def can_start_at(self, layer: int) -> bool:
        """At layers that are not behind the first one observed."""
        return layer <= self._layers[0]

    @torch.inference_mode()
    def run(self, seed: int, batch_size: int, progress: Progress) -> Measured:
        """Measure the model as it is. Nothing is drawn: the seed plays no part."""
        sums = {layer: GramSum() for layer in self._layers}
        cut = by_length(self._encoded, batch_size)
        for number, indices in enumerate(cut):
            progress(number, len(cut))
            self._read([self._encoded[index] for index in indices], sums)
        spectra = {layer: total.singular_values() for layer, total in sums.items()}
        summaries = {layer: summary(singular) for layer, singular in spectra.items()}
        metrics = {
            name: sum(values[name] for values in summaries.values()) / len(summaries)
            for name in summaries[self._layers[0]]
        }
        by_layer: list[dict[str, Any]] = [
            {"layer": layer, **summaries[layer], "singular_values": spectra[layer].tolist()} for layer in self._layers
        ]
        return Measured(metrics, artifact={"tokens": sums[self._layers[0]].rows, "layers": by_layer})

    def _read(self, rows: list[list[int]], sums: dict[int, GramSum]) -> None:
        ids, mask = pad(rows, padding_token(self._loaded.tokenizer), left=False, device=self._loaded.device)

        def see(layer: int, part: str, side: Side, hidden: Tensor) -> None:
            if side == "out":
                sums[layer].add(hidden[mask.bool().to(hidden.device)])

        with watch_blocks(self._loaded.architecture, self._layers, see):
            self._loaded.architecture.decoder(input_ids=ids, attention_mask=mask, use_cache=False)

    def _chosen(self, spec: SpectrumMeasure) -> tuple[int, ...]:
        depth = len(self._loaded.architecture.blocks)
        if spec.layers is None:
            return (depth // 2,)
        try:
            return parse_layers(spec.layers, depth)
        except LesionError as error:
            raise LesionError(f"spectrum on {self._loaded.name}: {error}", field="measure.layers") from None

    def _encode(self, texts: list[str]) -> list[list[int]]:
        name, context = self._loaded.name, self._loaded.architecture.context
        encoded = [tokens for text in texts if (tokens := encode(self._loaded.tokenizer, text))]
        if not encoded:
            raise LesionError(f"spectrum on {name}: no document has a token; give a text with at least one sentence.")
        if cut := sum(len(tokens) > context for tokens in encoded):
            self.notes.append(f"spectrum on {name}: {cut} documents cut at the model's context of {context} tokens")
        return [tokens[:context] for tokens in encoded]
