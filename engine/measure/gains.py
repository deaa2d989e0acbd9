"""By how much attention and MLP amplify what they receive: output length over input length, layer by layer."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.measure.measurement import Measured, Measurement, Progress
from engine.measure.watching import Side, watch_parts
from engine.models.loading import LoadedModel
from engine.profile import GainsMeasure
from engine.profile.texts import prompts
from engine.reading.encoding import by_length, encode_all, pad, padding_token


class Gains(Measurement):
    """Attention and MLP gain of every layer.

    The gain of a part on one prompt is the mean L2 norm of its output's tokens over the mean L2 norm of its input's
    tokens, padding left out; a layer's gain is the plain mean of that over prompts, long and short alike. Lengths are
    taken in float64.

    Metrics: `attention_gain_last`, `mlp_gain_last`, `mlp_gain_largest`, `mlp_gain_largest_layer` (from 0; the first of
    equals), `attention_contracting`, `mlp_contracting` (share of layers below 1). Artifact: the gains of all layers.

    Raises:
        LesionError: a prompt is empty or longer than the model's context.
    """

    def __init__(self, spec: GainsMeasure, loaded: LoadedModel, folder: Path) -> None:
        self.notes: list[str] = []
        self._loaded = loaded
        self._encoded = encode_all(loaded.tokenizer, prompts(spec, folder), loaded.architecture.context, loaded.name)

    @torch.inference_mode()
    def run(self, seed: int, batch_size: int, progress: Progress) -> Measured:
        """Measure the model as it is. Nothing is drawn: the seed plays no part."""
        layers = len(self._loaded.architecture.blocks)
        gains = {part: torch.full((len(self._encoded), layers), torch.nan).double() for part in ("attention", "mlp")}
        cut = by_length(self._encoded, batch_size)
        for number, indices in enumerate(cut):
            progress(number, len(cut))
            lengths = self._lengths([self._encoded[index] for index in indices])
            for (layer, part, side), outer in lengths.items():
                if side == "out":
                    gains[part][indices, layer] = (outer / lengths[layer, part, "in"]).cpu()
        means = {part: values.mean(dim=0).tolist() for part, values in gains.items()}
        return Measured(summary(means["attention"], means["mlp"]), artifact={"prompts": len(self._encoded)} | means)

    def _lengths(self, rows: list[list[int]]) -> dict[tuple[int, str, Side], Tensor]:
        """Mean token norm, float64 [rows], of everything that goes into and out of attention and MLP."""
        ids, mask = pad(rows, padding_token(self._loaded.tokenizer), left=False, device=self._loaded.device)
        found: dict[tuple[int, str, Side], Tensor] = {}

        def see(layer: int, part: str, side: Side, tensor: Tensor) -> None:
            norms = torch.linalg.vector_norm(tensor, dim=-1, dtype=torch.float64).reshape(mask.shape).to(mask.device)
            found[layer, part, side] = torch.where(mask.bool(), norms, 0.0).sum(dim=1) / mask.sum(dim=1)

        with watch_parts(self._loaded.architecture, see):
            self._loaded.architecture.decoder(input_ids=ids, attention_mask=mask, use_cache=False)
        return found


def summary(attention: list[float], mlp: list[float]) -> dict[str, float]:
    """The metrics of gains by layer. A gain that is nan makes the largest nan, and counts as not below 1."""
    largest = torch.tensor(mlp, dtype=torch.float64).argmax()
    metrics: dict[str, Any] = {
        "attention_gain_last": attention[-1],
        "mlp_gain_last": mlp[-1],
        "mlp_gain_largest": mlp[largest],
        "mlp_gain_largest_layer": float(largest),
        "attention_contracting": sum(gain < 1 for gain in attention) / len(attention),
        "mlp_contracting": sum(gain < 1 for gain in mlp) / len(mlp),
    }
    return metrics
